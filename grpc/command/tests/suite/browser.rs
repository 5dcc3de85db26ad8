//! The status page in a real browser, over the real service and real proofs.

use crate::common::Folder;
use crate::common::appliance::{Appliance, air_job, long_job, signal};
use crate::common::browser::Browser;
use quarry_client::protocol::{JobSpec, JobState};
use quarry_client::{Client, Connection};
use serde_json::json;
use std::collections::BTreeSet;
use std::time::{Duration, Instant, SystemTime};

const TOKEN: &str = "token-of-a";
/// A tenant name that is markup, if the page does not escape it.
const TENANT: &str = "<img src=x onerror='document.title=1'>";
const SCRIPT: &str = "<script>document.title='owned'</script>";

async fn ends(client: &mut Client, spec: JobSpec, state: JobState) -> String {
    let id = client.submit(spec).await.unwrap().job.unwrap().id;
    let job = client.wait(&id, |_| {}).await.unwrap();
    assert_eq!(job.state(), state, "{job:?}");
    id
}

/// The cells of a job's row in a table.
fn cells(browser: &mut Browser, table: &str, id: &str) -> Vec<String> {
    let row = format!("document.querySelector('#{table} tr[data-job=\"{id}\"]')");
    browser.until(&format!("Boolean({row})"));
    let texts = browser.value(&format!("[...{row}.cells].map((cell) => cell.innerText)"));
    serde_json::from_value(texts).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_tells_what_happens() {
    let case = Folder::with_case("plain/fib_2p9");
    let sha256 = quarry_client::digest::digest(TOKEN.as_bytes()).unwrap().sha256;
    let client = format!(
        "[[clients]]\nsha256 = \"{sha256}\"\ntenant = \"{TENANT}\"\nroles = [\"submit\", \"read\"]\n"
    );
    case.write("quarry.toml", client);
    let service = Appliance::start(&case, "--config quarry.toml");
    let connection = Connection {
        token: Some(TOKEN.to_owned()),
        ..service.connection()
    };
    let mut client = Client::connect(&connection).await.unwrap();
    let mut browser = Browser::open(&format!("http://{}/", service.http));
    browser.until("document.body?.dataset.state === 'ready'");
    assert_eq!(
        browser.text("document.querySelector('.device').dataset.device"),
        "cpu"
    );
    browser.until("document.querySelector('#active').innerText.includes('Nothing is to be done')");

    // One job that succeeds, and one that is rejected with a message that could be markup.
    let good = air_job(&mut client, &case, "blake").await;
    let succeeded = ends(&mut client, good.clone(), JobState::Succeeded).await;
    let mut input = case.json("public_input.json");
    input["layout"] = json!(SCRIPT);
    case.write("public_input.json", input.to_string());
    let mut hostile = air_job(&mut client, &case, "blake").await;
    hostile.labels.insert(SCRIPT.to_owned(), "label-of-a".to_owned());
    let rejected = ends(&mut client, hostile, JobState::Rejected).await;
    let row = cells(&mut browser, "ended", &succeeded);
    assert_eq!(
        (&*row[1], &*row[3], &*row[4]),
        ("succeeded", "plain, 512 steps", TENANT)
    );
    let row = cells(&mut browser, "ended", &rejected);
    assert_eq!(row[1], "rejected");
    // The message quotes the input, so only the job's owner may see it.
    assert_eq!(row[2], "input.layout (input invalid)");
    assert_eq!(
        browser.value("document.querySelectorAll('table script, table img').length"),
        json!(0)
    );
    assert!(
        !browser
            .text("document.documentElement.innerHTML")
            .contains("label-of-a")
    );

    // The progress of a proof is updated live.
    let long = long_job(&mut client, 1 << 15).await;
    let running = client.submit(long.clone()).await.unwrap().job.unwrap().id;
    // More jobs, to keep even a fast machine busy during the checks.
    let mut waiting = String::new();
    for _ in 0..5 {
        waiting = client.submit(long.clone()).await.unwrap().job.unwrap().id;
    }
    browser.until("Boolean(document.querySelector('.device progress'))");
    let row = cells(&mut browser, "active", &running);
    assert!(row[1] == "running", "{row:?}");
    browser.until(&format!(
        "Boolean(document.querySelector('#devices [data-copy=\"{running}\"]'))"
    ));
    cells(&mut browser, "active", &waiting);
    browser.picture("running");
    let (mut phases, mut shares) = (BTreeSet::new(), Vec::new());
    let start = Instant::now();
    while phases.len() < 3 || shares.len() < 4 {
        let seen = browser.value(
            "[document.querySelector('.phase')?.innerText ?? '', document.querySelector('.device progress')?.value ?? 0]",
        );
        let (phase, share): (String, f64) = serde_json::from_value(seen).unwrap();
        if !phase.is_empty() && shares.last() != Some(&share) {
            phases.insert(phase);
            shares.push(share);
        }
        assert!(
            start.elapsed() < Duration::from_secs(120),
            "{phases:?} {shares:?}"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(
        phases.contains("commit trace") || phases.contains("composition"),
        "{phases:?}"
    );

    // The history is drawn, and its span can be chosen.
    browser
        .until("document.querySelector('[data-series=succeeded]')?.getAttribute('d').includes('Z') ?? false");
    for series in ["rejected", "waiting", "proving", "p50", "p95"] {
        let drawn =
            format!("document.querySelector('[data-series={series}]').getAttribute('d').startsWith('M')");
        browser.until(&drawn);
    }
    browser.value("document.querySelector('[data-span=day]').click()");
    // No more of it than there was a service.
    browser.until("document.querySelector('#chart-queue').textContent.includes('1 h ago')");
    browser.value("document.querySelector('[data-span=hour]').click()");
    browser.until("/[2-9] min.* ago/.test(document.querySelector('#chart-queue').textContent)");
    // Each time of a proof is a point of its own, and the axis has its unit.
    browser.until("document.querySelectorAll('#chart-proofs circle').length >= 2");
    browser.until("document.querySelector('#chart-proofs svg text').textContent.endsWith(' s')");

    // No label of an axis is cut.
    browser
        .until("[...document.querySelectorAll('#charts svg text')].every((text) => text.getBBox().x >= 0)");

    // The light and dark themes differ.
    let back = "getComputedStyle(document.body).backgroundColor";
    let light = browser.text(back);
    let dark = json!({ "features": [{ "name": "prefers-color-scheme", "value": "dark" }] });
    browser.call("Emulation.setEmulatedMedia", dark);
    assert_ne!(browser.text(back), light);
    browser.picture("dark");
    browser.call("Emulation.setEmulatedMedia", json!({ "features": [] }));

    // No errors, no requests to other hosts, no markup interpreted.
    assert_eq!(browser.complaints(), Vec::<String>::new());
    let own = format!("http://{}/", service.http);
    let requests = browser.requests();
    assert!(
        requests.len() > 8 && requests.iter().all(|url| url.starts_with(&own)),
        "{requests:?}"
    );
    assert_eq!(browser.text("document.title"), "Quarry");

    // The page while the service drains and after it has ended.
    client.cancel(&waiting).await.unwrap();
    let row = cells(&mut browser, "ended", &waiting);
    assert_eq!(row[1], "cancelled");
    let last = client.submit(long).await.unwrap().job.unwrap().id;
    cells(&mut browser, "active", &last);
    signal("TERM", service.id());
    browser.until("document.body.dataset.state === 'draining'");
    assert!(
        browser
            .text("document.querySelector('#reasons').innerText")
            .contains("draining")
    );
    assert_eq!(browser.text("document.title"), "Draining – Quarry");
    browser.picture("draining");
    service.kill();
    browser.until("document.body.dataset.state === 'unreachable'");
    assert!(
        browser
            .text("document.querySelector('#state').innerText")
            .contains("Unreachable")
    );
    // The last known data is still shown.
    cells(&mut browser, "ended", &succeeded);
    browser.picture("unreachable");
}

/// Starts a proof that takes minutes, with a deadline, and waits until it is on the device.
async fn long_proof(client: &mut Client, browser: &mut Browser) -> String {
    let spec = JobSpec {
        deadline: Some((SystemTime::now() + Duration::from_secs(7100)).into()),
        ..long_job(client, 1 << 18).await
    };
    let id = client.submit(spec).await.unwrap().job.unwrap().id;
    is_running(browser, &id);
    id
}

fn is_running(browser: &mut Browser, id: &str) {
    browser.until(&format!(
        "document.querySelector('#active tr[data-job=\"{id}\"]')?.innerText.includes('running') ?? false"
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn causes_deadlines_and_the_disk_are_told_on_a_phone_too() {
    let folder = Folder::new();
    let service = Appliance::start(&folder, "");
    let mut client = service.client().await;
    let mut browser = Browser::open(&format!("http://{}/", service.http));
    browser.until("document.body?.dataset.state === 'ready'");
    let numbers = browser.text("document.querySelector('#numbers').innerText");
    for part in ["Disk free", "uploads leave 1.0 GiB", "Store", "Files"] {
        assert!(numbers.contains(part), "{part}: {numbers}");
    }
    let id = long_proof(&mut client, &mut browser).await;
    let row = cells(&mut browser, "active", &id);
    assert!(
        row[5] == "0" && row[6].starts_with("1 h 5") && row[6].ends_with("left"),
        "{row:?}"
    );
    signal("KILL", service.process("worker"));
    browser.until(&format!(
        "document.querySelector('#active tr[data-job=\"{id}\"] .causes')?.innerText.includes('worker.died') ?? false"
    ));

    // The whole id is copied, though only its end is shown.
    let shown = browser.text(&format!(
        "document.querySelector('#active tr[data-job=\"{id}\"] code').innerText"
    ));
    assert!(
        shown.len() < 16 && id.ends_with(shown.trim_start_matches('…')),
        "{shown}"
    );
    browser.value("navigator.clipboard.writeText = async (text) => { window.copied = text; }");
    let button = format!("document.querySelector('#active [data-copy=\"{id}\"]')");
    browser.value(&format!("{button}.click()"));
    browser.until(&format!(
        "window.copied === '{id}' && {button}.innerText === 'copied'"
    ));
    browser.until(&format!("{button}.innerText === 'copy'"));

    // Ended jobs can be filtered.
    client.cancel(&id).await.unwrap();
    let row = cells(&mut browser, "ended", &id);
    assert!(row[1] == "cancelled" && row[2].contains("worker.died"), "{row:?}");
    let is_shown =
        |shown| format!("Boolean(document.querySelector('#ended [data-job=\"{id}\"]')) === {shown}");
    for (filter, shown) in [
        ("failed", false),
        ("cancelled", true),
        ("succeeded", false),
        ("all", true),
    ] {
        browser.value(&format!(
            "document.querySelector('[data-ended={filter}]').click()"
        ));
        browser.until(&is_shown(shown));
        // The filter stays when the page looks again.
        browser.value("new Promise((done) => setTimeout(done, 1500))");
        browser.until(&is_shown(shown));
    }

    // On a phone, and on a small window, nothing is wider than the screen.
    for width in [360, 800] {
        let metrics = json!({ "width": width, "height": 700, "deviceScaleFactor": 2, "mobile": width < 500 });
        browser.call("Emulation.setDeviceMetricsOverride", metrics);
        browser.until(&format!("innerWidth === {width}"));
        browser.picture(&format!("width-{width}"));
        let wide = "[document.documentElement, ...document.querySelectorAll('.scroll')] \
                    .filter((box) => box.scrollWidth > box.clientWidth).map((box) => box.innerText)";
        let wide = browser.value(wide);
        assert!(width > 500 || wide == json!([]), "{width}: {wide}");
        browser.until(&format!("document.documentElement.scrollWidth <= {width}"));
    }
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_without_progress_is_told() {
    let folder = Folder::new();
    let service = Appliance::start(&folder, "");
    let mut client = service.client().await;
    let mut browser = Browser::open(&format!("http://{}/", service.http));
    browser.until("document.body?.dataset.state === 'ready'");
    long_proof(&mut client, &mut browser).await;
    browser.until("Boolean(document.querySelector('.device progress'))");
    signal("STOP", service.process("worker"));
    browser.until("document.querySelector('.device').innerText.includes('No progress for 3')");
    signal("KILL", service.process("worker"));
}
