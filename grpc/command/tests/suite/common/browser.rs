//! A real headless browser, driven over the DevTools protocol: JSON messages on two pipes, each terminated by a zero
//! byte.

use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Timeout for all browser operations.
const PATIENCE: Duration = Duration::from_secs(60);

/// A browser with one page; killed on drop.
pub struct Browser {
    process: Child,
    to: ChildStdin,
    from: Receiver<Value>,
    last_call: u64,
    session: Option<String>,
    events: VecDeque<Value>,
    _profile: TempDir,
}

impl Browser {
    /// Opens a page in Chromium: `CHROMIUM`, or `chromium` on the path.
    pub fn open(url: &str) -> Self {
        let program = std::env::var("CHROMIUM").unwrap_or_else(|_| "chromium".to_owned());
        let profile = tempfile::tempdir().expect("a folder");
        // The browser reads messages from file descriptor 3 and writes to 4.
        let mut process = Command::new("sh")
            .args([
                "-c",
                "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null",
                &program,
            ])
            .args([
                "--remote-debugging-pipe",
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
            ])
            .args([
                "--disable-dev-shm-usage",
                "--disable-background-networking",
                "--no-first-run",
            ])
            .args(["--window-size=1280,1100", "about:blank"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        let to = process.stdin.take().expect("a pipe");
        let messages = BufReader::new(process.stdout.take().expect("a pipe")).split(0);
        let (send, from) = channel();
        std::thread::spawn(move || {
            for message in messages.map_while(Result::ok) {
                let message = serde_json::from_slice(&message).expect("JSON from the browser");
                if send.send(message).is_err() {
                    break;
                }
            }
        });
        let mut browser = Self {
            process,
            to,
            from,
            last_call: 0,
            session: None,
            events: VecDeque::new(),
            _profile: profile,
        };
        let page = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": page["targetId"], "flatten": true });
        let session = browser.call("Target.attachToTarget", attach);
        browser.session = session["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        browser.call("Page.navigate", json!({ "url": url }));
        browser
    }

    /// Calls a protocol method, on the page once there is one.
    pub fn call(&mut self, method: &str, params: Value) -> Value {
        self.last_call += 1;
        let mut message = json!({ "id": self.last_call, "method": method, "params": params });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.to
            .write_all(&bytes)
            .unwrap_or_else(|why| panic!("{NO_BROWSER}: {why}"));
        loop {
            let message = self.from.recv_timeout(PATIENCE);
            let mut message = message.unwrap_or_else(|why| panic!("{method}: {NO_BROWSER}: {why}"));
            if message["id"] == self.last_call {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].take();
            }
            self.events.push_back(message);
        }
    }

    /// Evaluates an expression in the page.
    pub fn value(&mut self, expression: &str) -> Value {
        let params = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let mut answer = self.call("Runtime.evaluate", params);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer}");
        answer["result"]["value"].take()
    }

    /// Evaluates an expression whose value is a string.
    pub fn text(&mut self, expression: &str) -> String {
        self.value(expression).as_str().unwrap_or_default().to_owned()
    }

    /// Waits until an expression is true.
    pub fn until(&mut self, expression: &str) {
        let start = Instant::now();
        while self.value(expression) != json!(true) {
            let page = self.text("document.body.innerText");
            assert!(start.elapsed() < PATIENCE, "never: {expression}\n{page}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Errors, warnings and exceptions of the page.
    pub fn complaints(&self) -> Vec<String> {
        let is_bad = |event: &&Value| match event["method"].as_str() {
            Some("Runtime.exceptionThrown") => true,
            Some("Runtime.consoleAPICalled") => event["params"]["type"] != "log",
            Some("Log.entryAdded") => event["params"]["entry"]["level"] != "info",
            _ => false,
        };
        self.events.iter().filter(is_bad).map(Value::to_string).collect()
    }

    /// URLs of all requests of the page.
    pub fn requests(&self) -> Vec<String> {
        let sent = |event: &&Value| event["method"] == "Network.requestWillBeSent";
        let url = |event: &Value| {
            event["params"]["request"]["url"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        self.events.iter().filter(sent).map(url).collect()
    }

    /// Saves a screenshot (PNG, in base64) to the folder `QUARRY_SCREENSHOTS`, if set.
    pub fn picture(&mut self, name: &str) {
        let Some(folder) = std::env::var_os("QUARRY_SCREENSHOTS") else {
            return;
        };
        let picture = self.call("Page.captureScreenshot", json!({ "captureBeyondViewport": true }));
        let path = Path::new(&folder).join(format!("{name}.png.base64"));
        std::fs::write(path, picture["data"].as_str().unwrap_or_default()).expect("a folder for pictures");
    }
}

/// Error message for a missing response.
const NO_BROWSER: &str = "no browser (Debian: apt-get install chromium; or set CHROMIUM)";

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
