// Checks the playbook as it is typed: posts the form as its first button does, and shows here what stands in that answer.
// The page does the same without it.

const PAUSE_MILLISECONDS = 600;
const text = document.querySelector("#text");
let pause, asking;

async function check() {
  asking?.abort();
  asking = new AbortController();
  const body = new URLSearchParams(new FormData(text.form));
  body.set("do", "check");
  try {
    const answer = await fetch(text.form.getAttribute("action"), { method: "POST", body, signal: asking.signal });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const found = page.querySelector("#found");
    if (found) document.querySelector("#found").replaceChildren(...found.childNodes);
  } catch {
    // Typed on, or no answer: the button is there.
  }
}

text?.addEventListener("input", () => {
  clearTimeout(pause);
  pause = setTimeout(check, PAUSE_MILLISECONDS);
});
