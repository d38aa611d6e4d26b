//! `--stay`: how to talk to what goes on being served.

use crate::{ACCOUNT, APP_ID, ENCODING_AES_KEY, TOKEN, caller::CONSOLE_TOKEN};
use anyhow::Context;
use guanxi::{
    time::{Local, Timestamp, UtcOffset},
    wechat::sender::Sender,
};
use guanxi_host::Host;
use guanxi_simulator::{Act, scenario::Message};
use std::{
    io::{self, Write as _},
    time::UNIX_EPOCH,
};

/// Whoever writes with the printed line.
const FAN: &str = "oYouWhoTryItOutWithCurl00001";

/// Prints the lines. `mode` is the value of `wechat_mode`.
pub(crate) fn print(host: &Host, sender: &Sender, mode: &str) -> anyhow::Result<()> {
    let (url, now) = (host.url(), host.clock().now().duration_since(UNIX_EPOCH)?.as_secs());
    let query = sender.sign_url(&now.to_string(), "415670741", "1597531594862486");
    let act = Act::Text("换粮".to_owned());
    let message = Message { account: ACCOUNT.to_owned(), openid: FAN.to_owned(), create_time: now, msg_id: now, act };
    let pushed = sender.push(&message.to_xml(), FAN, &now.to_string(), "415670741", *b"a4f6c1e8b02d9735")?;
    let (post_query, body) = pushed;
    let answer = if mode == "plain" { "the answer" } else { "the answer, encrypted" };
    let Local { day, minute } = UtcOffset::BEIJING.local(Timestamp(now));
    let date = day.date().context("a time far away")?;
    let shown = format!("{date} {:02}:{:02} in Beijing", minute / 60, minute % 60);
    let text = format!(
        "\nServing {url}/wechat until Ctrl-C; the clock runs on from {shown}.\n\
         token {TOKEN}, EncodingAESKey {ENCODING_AES_KEY}, AppID {APP_ID}, mode {mode}\n\n\
         WeChat verifies the URL; prints 1597531594862486:\n\
         curl '{url}/wechat?{query}'\n\n\
         A fan writes 换粮; prints {answer}. Good for 5 minutes, because a push has a time:\n\
         curl '{url}/wechat?{post_query}' --data-binary '{}'\n\n\
         The console, which lets in who has the token {CONSOLE_TOKEN}:\n\
         {}/\n",
        body.replace('\n', ""),
        // Over plain HTTP browsers keep its cookie for this name only.
        url.replace("127.0.0.1", "localhost")
    );
    Ok(io::stdout().lock().write_all(text.as_bytes())?)
}
