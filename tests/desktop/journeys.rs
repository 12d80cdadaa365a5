//! What a user does with the window.

use edk_testkit::{
    Done, Running, Signal, processes_below, run_in_image, small_extension, wait_until,
};
use serde_json::{Value, json};

use crate::{
    app::{App, Desktop, desktop_program},
    drag::Drag,
};

const CTRL: u32 = 0xffe3;
const ESCAPE: u32 = 0xff1b;

/// Opens an extension by its folder, on the home page.
fn open(app: &App<'_>, folder: &std::path::Path) {
    app.fill("Open a folder", folder.to_str().unwrap());
    app.click("Open");
    app.shows("lung-workflow");
}

/// Makes an extension whose build does not end by itself, and starts the build in the window.
fn long_job(desktop: &Desktop, app: &App<'_>) -> Value {
    let folder = small_extension(&desktop.env, "lung");
    run_in_image(&folder, "lung", &["/bin/busybox", "sleep", "600"]);
    let request = json!({"command": "build", "input": {"project": folder}});
    let job = app.call("start", &request)["job"].clone();
    wait_until("the build runs its command", 60, || sleeps(desktop));
    job
}

/// Says whether the command of [`long_job`] runs.
fn sleeps(desktop: &Desktop) -> bool {
    processes_below(desktop.env.state()).iter().any(|it| it.contains("sleep 600"))
}

#[test]
fn an_extension_is_opened_and_deployed_in_the_window() {
    let desktop = Desktop::new();
    let folder = small_extension(&desktop.env, "lung");
    let app = desktop.start(&[]);
    app.shows("See the whole way once");
    assert_eq!(desktop.windows.app().unwrap().1, "Home · Kaapana EDK");
    open(&app, &folder);
    app.click("Deploy");
    app.shows("Succeeded in");
    app.picture("deployed");
    // The entries came through the channel, in order; the page is told the same when it asks.
    let rows = app.call("extensions", &json!({"target": "sandbox"}));
    assert_eq!((&rows[0]["name"], &rows[0]["ready"]), (&json!("lung-workflow"), &json!(true)));
    app.ctrl("4");
    app.shows("lung-workflow");
    app.close();
    app.ends();
}

#[test]
fn the_page_can_call_nothing_else() {
    let desktop = Desktop::new();
    let app = desktop.start(&[]);
    app.shows("Home");
    for command in ["plugin:event|listen", "plugin:window|close", "plugin:dialog|open"] {
        let refusal = app.run(&format!(
            "return window.__TAURI_INTERNALS__.invoke({command:?}, {{}}).then(() => 'done', String)"
        ));
        assert!(refusal.as_str().unwrap().contains("not allowed"), "{command}: {refusal}");
    }
    // Nor anything of the world outside.
    let loaded = app.run("return fetch('https://example.org/').then(() => 'loaded', String)");
    assert_ne!(loaded, "loaded");
}

#[test]
fn a_reloaded_page_goes_on_where_the_job_is() {
    let desktop = Desktop::new();
    let app = desktop.start(&[]);
    let job = long_job(&desktop, &app);
    app.shows("Build lung");
    app.reload();
    app.shows("Build lung");
    app.call("cancel", &json!({ "job": job }));
    app.shows("cancelled");
    wait_until("the command is gone", 30, || !sleeps(&desktop));
}

#[test]
fn a_dropped_chart_is_uploaded_and_a_dropped_folder_opened() {
    let desktop = Desktop::new();
    let folder = small_extension(&desktop.env, "lung");
    let project = folder.to_str().unwrap();
    desktop.env.edk(&["push", project]).exits(0);
    let packaged = desktop.env.result(&["package", project]);
    let chart = std::path::PathBuf::from(packaged[0]["path"].as_str().unwrap());
    let app = desktop.start(&[]);
    app.shows("Home");
    let drag = Drag::over(&desktop.windows, &chart);
    app.shows("Drop a folder to open it");
    app.picture("hover");
    drag.drop();
    app.shows("Upload lung-workflow-0.1.0.tgz to sandbox");
    app.shows("Succeeded in");
    let rows = app.call("extensions", &json!({"target": "sandbox"}));
    assert_eq!(rows[0]["name"], "lung-workflow", "{rows}");
    Drag::over(&desktop.windows, &folder).drop();
    wait_until("the folder is opened", 30, || {
        desktop.windows.app().is_some_and(|(_, title)| title == "Deploy · Kaapana EDK")
    });
    app.shows("lung-features");
}

#[test]
fn a_second_start_brings_the_first_to_the_front_and_hands_over() {
    let desktop = Desktop::new();
    let folder = small_extension(&desktop.env, "lung");
    let app = desktop.start(&[]);
    app.shows("Home");
    desktop.windows.distract();
    let second = Done::of(desktop.command(desktop_program()).arg(&folder));
    second.exits(0);
    wait_until("the window has the keyboard", 10, || {
        desktop.windows.active().is_some_and(|title| title.ends_with("Kaapana EDK"))
    });
    app.shows("lung-features");
    assert_eq!(app.pids().len(), 1);
    // Another data folder is another app.
    let other = desktop.env.path("other");
    let mut command = desktop.command(desktop_program());
    let mut other = Running::start(command.args(["--registry-port=0", "--home"]).arg(other));
    wait_until("there are two windows", 30, || desktop.windows.count() == 2);
    other.signal(Signal::SIGTERM);
    other.finish().exits(0);
}

#[test]
fn closing_while_a_job_runs_asks_and_stops_it_cleanly() {
    let desktop = Desktop::new();
    let app = desktop.start(&[]);
    long_job(&desktop, &app);
    app.close();
    app.shows("A job is running");
    app.picture("quit");
    app.click("Keep working");
    app.gone("A job is running");
    assert!(sleeps(&desktop));
    app.close();
    app.shows("A job is running");
    app.click("Stop and quit");
    app.ends();
    assert!(!sleeps(&desktop), "the job outlived the window");
    drop(app);
    // What was under way is told by no job of the next start, and nothing is locked.
    let app = desktop.start(&[]);
    app.shows("Home");
    assert_eq!(app.call("history", &json!({})), json!([]));
}

#[test]
fn a_signal_ends_it_cleanly_without_a_question() {
    let desktop = Desktop::new();
    let app = desktop.start(&[]);
    long_job(&desktop, &app);
    let pid = i32::try_from(app.pids()[0]).unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), Signal::SIGTERM).unwrap();
    app.ends();
    assert!(!sleeps(&desktop), "the job outlived the window");
}

#[test]
fn the_window_comes_back_as_large_as_it_was() {
    let desktop = Desktop::new();
    let app = desktop.start(&[]);
    app.shows("Home");
    let (.., width, height) = app.place();
    app.resize(1000, 640);
    let changed = || (app.place().2, app.place().3) != (width, height);
    wait_until("the window has another size", 10, changed);
    let (.., width, height) = app.place();
    app.close();
    app.ends();
    drop(app);
    let app = desktop.start(&[]);
    app.shows("Home");
    assert_eq!((app.place().2, app.place().3), (width, height));
}

#[test]
fn the_frame_has_the_colours_that_were_chosen() {
    let desktop = Desktop::new();
    let is_dark =
        |app: &App<'_>| app.run("return matchMedia('(prefers-color-scheme: dark)').matches");
    let app = desktop.start(&[]);
    app.shows("Home");
    assert_eq!(is_dark(&app), false);
    app.call("set_theme", &json!({"theme": "dark"}));
    // The toolkit tells the web view what it has become.
    wait_until("the frame is dark", 10, || is_dark(&app) == true);
    app.close();
    app.ends();
    drop(app);
    let app = desktop.start(&[]);
    app.shows("Home");
    assert_eq!(is_dark(&app), true);
}

#[test]
fn the_menu_and_the_folder_dialog_work_by_keyboard() {
    let desktop = Desktop::new();
    let app = desktop.start(&[]);
    app.shows("Home");
    // Real keys: the menu sees them before the page does.
    desktop.windows.press(&[CTRL, '6' as u32]);
    app.shows("Appearance");
    desktop.windows.press(&[CTRL, 'o' as u32]);
    wait_until("the dialog is there", 20, || {
        desktop.windows.active().as_deref() == Some("Choose a folder")
            && desktop.windows.is_painted()
    });
    // What is typed into it is the toolkit's; a dialog that is left changes nothing.
    desktop.windows.press(&[ESCAPE]);
    wait_until("the dialog is gone", 20, || {
        desktop.windows.active().is_some_and(|title| title == "Settings · Kaapana EDK")
    });
    desktop.windows.press(&[CTRL, 'k' as u32]);
    app.shows("Run the demo");
}

#[test]
fn a_start_speaks_to_nobody_outside_of_this_machine() {
    let desktop = Desktop::new();
    let log = desktop.env.path("calls");
    let mut traced = desktop.command("strace");
    traced.args(["-f", "-qq", "-e", "trace=connect,sendto,sendmsg", "-o"]).arg(&log);
    let traced = Running::start(traced.arg(desktop_program()).arg("--registry-port=0"));
    wait_until("the window is usable", 60, || desktop.windows.shows_text());
    desktop.windows.close();
    traced.finish().exits(0);
    let calls = std::fs::read_to_string(log).unwrap();
    assert!(calls.contains("AF_UNIX"), "nothing is seen of the screen either");
    let outside = |line: &&str| {
        line.contains("AF_INET") && !line.contains("127.0.0.1") && !line.contains("\"::1\"")
    };
    let outside: Vec<&str> = calls.lines().filter(outside).collect();
    assert!(outside.is_empty(), "{outside:#?}");
}

#[test]
fn without_a_screen_it_says_so() {
    let desktop = Desktop::new();
    let done = Done::of(&mut desktop.env.other(desktop_program()));
    done.exits(3).tells(&["there is no screen", "edk serve"]);
}
