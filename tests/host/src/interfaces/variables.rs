//! `spin:variables@3.0.0` and its synchronous forerunner `fermyon:spin/variables@2.0.0`.

use wasmtime::component::{Accessor, HasSelf};

use super::generated::{fermyon::spin::variables as v2, spin::variables::variables as v3};
use crate::{instance::InstanceState, variables::check_name};

/// Why there is no value.
enum Absent {
    InvalidName(String),
    Undefined(String),
}

impl InstanceState {
    fn variable(&self, name: &str) -> Result<String, Absent> {
        check_name(name).map_err(Absent::InvalidName)?;
        let undefined = || Absent::Undefined(format!("no variable for {:?}.{name:?}", self.shared.id));
        self.shared.variables.get(name).cloned().ok_or_else(undefined)
    }
}

impl From<Absent> for v3::Error {
    fn from(absent: Absent) -> Self {
        match absent {
            Absent::InvalidName(message) => Self::InvalidName(message),
            Absent::Undefined(message) => Self::Undefined(message),
        }
    }
}

impl From<Absent> for v2::Error {
    fn from(absent: Absent) -> Self {
        match absent {
            Absent::InvalidName(message) => Self::InvalidName(message),
            Absent::Undefined(message) => Self::Undefined(message),
        }
    }
}

impl v3::Host for InstanceState {}

impl<T: Send> v3::HostWithStore<T> for HasSelf<InstanceState> {
    async fn get(accessor: &Accessor<T, Self>, name: String) -> wasmtime::Result<Result<String, v3::Error>> {
        Ok(accessor.with(|mut instance| instance.get().variable(&name)).map_err(Into::into))
    }
}

impl v2::Host for InstanceState {
    async fn get(&mut self, name: String) -> wasmtime::Result<Result<String, v2::Error>> {
        Ok(self.variable(&name).map_err(Into::into))
    }
}
