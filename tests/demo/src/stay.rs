//! `--stay`: how to talk to what goes on being served.

use crate::{ACCOUNT, APP_ID, ENCODING_AES_KEY, TOKEN};
use guanxi::wechat::sender::Sender;
use guanxi_simulator::{Act, scenario::Message};
use std::{
    io::{self, Write as _},
    time::{SystemTime, UNIX_EPOCH},
};

/// Whoever writes with the printed line.
const FAN: &str = "oYouWhoTryItOutWithCurl00001";

/// Prints the lines. `mode` is the value of `wechat_mode`.
pub(crate) fn print(url: &str, sender: &Sender, mode: &str) -> anyhow::Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let query = sender.sign_url(&now.to_string(), "415670741", "1597531594862486");
    let act = Act::Text("换粮".to_owned());
    let message = Message { account: ACCOUNT.to_owned(), openid: FAN.to_owned(), create_time: now, msg_id: now, act };
    let pushed = sender.push(&message.to_xml(), FAN, &now.to_string(), "415670741", *b"a4f6c1e8b02d9735")?;
    let (post_query, body) = pushed;
    let answer = if mode == "plain" { "the answer" } else { "the answer, encrypted" };
    let text = format!(
        "\nServing {url}/wechat until Ctrl-C, from now on by the real time.\n\
         token {TOKEN}, EncodingAESKey {ENCODING_AES_KEY}, AppID {APP_ID}, mode {mode}\n\n\
         WeChat verifies the URL; prints 1597531594862486:\n\
         curl '{url}/wechat?{query}'\n\n\
         A fan writes 换粮; prints {answer}. Good for 5 minutes, because a push has a time:\n\
         curl '{url}/wechat?{post_query}' --data-binary '{}'\n",
        body.replace('\n', "")
    );
    Ok(io::stdout().lock().write_all(text.as_bytes())?)
}
