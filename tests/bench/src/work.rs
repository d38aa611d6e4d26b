//! The loops whose instructions are counted.

use crate::rules;
use aes::{
    Aes256Dec, Aes256Enc,
    cipher::{Array, BlockModeDecrypt, BlockModeEncrypt, InnerIvInit, KeyInit},
};
use anyhow::{Context, Result, anyhow};
use cbc::{Decryptor, Encryptor};
use clap::ValueEnum;
use guanxi::{
    playbook::{Action, Inbound, Playbook, compile},
    time::Timestamp,
    wechat::{
        Reply,
        endpoint::{Endpoint, Mode, Query},
        sender::Sender,
    },
};
use sha1::{Digest, Sha1};
use std::hint::black_box;

const KEY: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
const TOKEN: &str = "benchtoken";
const APP_ID: &str = "wxbench0000000001";
const NOW: Timestamp = Timestamp(1_800_000_000);

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Work {
    /// Decrypt + parse + match among 200 rules + encrypt.
    Whole,
    /// The AES and the SHA-1 of `Whole`, over the same numbers of bytes.
    Cryptography,
    /// The answer to a text by 10 keywords.
    Keywords10,
    /// The answer to the same text by 10,000.
    Keywords10000,
    /// The answer of one of 200 rules.
    Hit,
    /// The same where the playbook has a dialog and the fan is in none, with what callback kept.
    HitBesideDialogs,
    /// A step of the dialog, with what is kept before and after.
    Step,
}

pub(crate) fn run(work: Work, times: u64) -> Result<()> {
    match work {
        Work::Whole => Whole::new()?.run(times),
        Work::Cryptography => cryptography(&Whole::new()?, times),
        Work::Keywords10 => answers(10, times),
        Work::Keywords10000 => answers(10_000, times),
        Work::Hit => hits(&load(&rules::playbook(200))?, times),
        Work::HitBesideDialogs => hits(&load(&rules::with_a_dialog(200))?, times),
        Work::Step => steps(&load(&rules::with_a_dialog(200))?, times),
    }
}

/// A safe-mode text message and what answers it.
struct Whole {
    endpoint: Endpoint,
    playbook: Playbook,
    query: String,
    body: String,
}

impl Whole {
    fn new() -> Result<Self> {
        let sender = Sender::new(TOKEN, Mode::Safe, &KEY.parse()?, APP_ID);
        let message = format!(
            "<xml><ToUserName><![CDATA[gh_bench]]></ToUserName>\n\
             <FromUserName><![CDATA[oBench-0123456789abcdefghijk]]></FromUserName>\n\
             <CreateTime>{NOW}</CreateTime>\n<MsgType><![CDATA[text]]></MsgType>\n\
             <Content><![CDATA[请问{}怎么做]]></Content>\n<MsgId>4561255354251345929</MsgId>\n</xml>",
            rules::keyword(101)
        );
        let (query, body) = sender.push(&message, "oBench", &NOW.to_string(), "1372623149", *b"0123456789abcdef")?;
        let endpoint = Endpoint::new(TOKEN, Mode::Safe, Some(KEY), APP_ID)?;
        Ok(Self { endpoint, playbook: load(&rules::playbook(200))?, query, body })
    }

    fn answer(&self) -> Result<String> {
        let push = self.endpoint.open(&Query::parse(&self.query)?, self.body.as_bytes(), NOW)?;
        let message = push.message?;
        let inbound = Inbound::from_message(&message).context("a text may be answered")?;
        let Action::Reply(reply) = self.playbook.answer(&inbound, None, None).action else {
            return Err(anyhow!("a rule replies"));
        };
        let inner = reply.render(push.format, &message.from_user_name, &message.to_user_name, NOW);
        Ok(self.endpoint.seal(push.secrets, push.format, &push.nonce, NOW, *b"fedcba9876543210", &inner))
    }

    /// A text of its own, sealed, opened, answered and sealed: what a server does for it besides its store. And what is kept.
    fn heard(&self, playbook: &Playbook, text: &str, kept: Option<&[u8]>) -> Result<(String, Option<Vec<u8>>)> {
        let push = self.endpoint.open(&Query::parse(&self.query)?, self.body.as_bytes(), NOW)?;
        let message = push.message?;
        let mut inbound = Inbound::from_message(&message).context("a text may be answered")?;
        // The texts differ, and so must the events; later than those before.
        inbound.create_time = Timestamp(NOW.0 + text.len() as u64 * 3 + kept.map_or(0, |kept| kept.len() as u64));
        inbound.identity.push_str(text);
        text.clone_into(&mut inbound.text);
        let answer = playbook.answer(&inbound, None, black_box(kept));
        let Action::Reply(reply) = answer.action else { return Err(anyhow!("every text has an answer")) };
        let inner = reply.render(push.format, &message.from_user_name, &message.to_user_name, NOW);
        let sealed = self.endpoint.seal(push.secrets, push.format, &push.nonce, NOW, *b"fedcba9876543210", &inner);
        Ok((sealed, answer.conversation))
    }

    fn run(&self, times: u64) -> Result<()> {
        for _ in 0..times {
            black_box(self.answer()?);
        }
        Ok(())
    }
}

/// What is inside an envelope, in bytes: the base64 text and the cipher text.
fn envelope(document: &str) -> Result<(usize, usize)> {
    let encrypt = document.split("<Encrypt><![CDATA[").nth(1).and_then(|rest| rest.split("]]>").next());
    let encrypt = encrypt.context("an envelope has Encrypt")?;
    Ok((encrypt.len(), encrypt.len() / 4 * 3 - encrypt.bytes().rev().take_while(|byte| *byte == b'=').count()))
}

/// Decrypts and hashes what came in, hashes and encrypts what goes out: the same lengths, and nothing else.
fn cryptography(whole: &Whole, times: u64) -> Result<()> {
    let (text_in, bytes_in) = envelope(&whole.body)?;
    let (text_out, bytes_out) = envelope(&whole.answer()?)?;
    let key = Array::from([7; 32]);
    let iv = Array::from([9; 16]);
    let (encrypting, decrypting) = (Aes256Enc::new(&key), Aes256Dec::new(&key));
    let hash = |length: usize| Sha1::digest(black_box(vec![b'a'; TOKEN.len() + 20 + length]));
    for _ in 0..times {
        black_box(hash(text_in));
        let mut bytes = black_box(vec![0; bytes_in]);
        Decryptor::inner_iv_init(&decrypting, &iv).decrypt_blocks(Array::slice_as_chunks_mut(&mut bytes).0);
        let mut sealed = black_box(vec![0; bytes_out]);
        Encryptor::inner_iv_init(&encrypting, &iv).encrypt_blocks(Array::slice_as_chunks_mut(&mut sealed).0);
        black_box((bytes, sealed));
        black_box(hash(text_out));
    }
    Ok(())
}

fn answers(keywords: usize, times: u64) -> Result<()> {
    let playbook = load(&rules::keywords(keywords))?;
    // As people write: most of it is no keyword.
    let texts = [
        format!("你好，请问一下{}要怎么做才好吃呢，谢谢", rules::keyword(0)),
        "我昨天下的单什么时候发货呀".to_owned(),
        format!("{} 有优惠吗？", rules::keyword(0)),
        "hello, do you ship abroad?".to_owned(),
    ];
    let inbound: Vec<Inbound> = texts.into_iter().map(inbound).collect();
    for number in 0..times {
        let Some(message) = inbound.get((number % 4) as usize) else { continue };
        let answer = playbook.answer(black_box(message), None, None);
        if !matches!(answer.action, Action::Reply(Reply::Text { .. })) {
            return Err(anyhow!("every text has an answer"));
        }
        black_box(answer);
    }
    Ok(())
}

fn hits(playbook: &Playbook, times: u64) -> Result<()> {
    let whole = Whole::new()?;
    for _ in 0..times {
        let (message, kept) = whole.heard(playbook, &format!("请问{}怎么做", rules::keyword(101)), None)?;
        black_box((message, kept));
    }
    Ok(())
}

/// The second question answered by a number, again and again: the state before it is the same each time.
fn steps(playbook: &Playbook, times: u64) -> Result<()> {
    let whole = Whole::new()?;
    let (_, begun) = whole.heard(playbook, rules::START, None)?;
    let (_, first) = whole.heard(playbook, "1", begun.as_deref())?;
    let first = first.context("a step is kept")?;
    for _ in 0..times {
        let (_, kept) = whole.heard(playbook, "2", Some(&first))?;
        black_box(kept.context("a step is kept")?);
    }
    Ok(())
}

fn inbound(text: String) -> Inbound {
    Inbound {
        account: "gh_bench".into(),
        fan: "oBench-0123456789abcdefghijk".into(),
        create_time: NOW,
        identity: "gh_bench|oBench|1800000000|text|1".into(),
        kind: guanxi::playbook::InboundKind::Text,
        text,
        attached: String::new(),
    }
}

fn load(source: &str) -> Result<Playbook> {
    let problem = |problems: Vec<guanxi::playbook::Problem>| {
        anyhow!("{}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    };
    Ok(Playbook::load(&compile(source).map_err(problem)?)?)
}
