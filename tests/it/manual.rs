//! Man pages and completions, which packages install.

use std::io::Write;
use std::process::{Command, Stdio};

use super::installation::Installation;

#[test]
fn every_command_has_a_manual_page() {
    let installation = Installation::new("");
    let all = installation.folder.path().join("man");
    let pages = all.join("man1");
    let output = installation.run(&["man", "--into", &all.display().to_string()]);
    assert!(output.status.success(), "{output:?}");
    let help = String::from_utf8(installation.run(&["--help"]).stdout).unwrap();
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names: Vec<&str> = commands.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.len() > 20, "{help}");
    for name in names.iter().filter(|name| **name != "help") {
        let page = std::fs::read_to_string(pages.join(format!("dayuan-{name}.1"))).unwrap();
        assert!(page.contains("Example"), "{name}");
    }
    let printed = installation.run(&["man"]).stdout;
    assert_eq!(printed, std::fs::read(pages.join("dayuan.1")).unwrap());
    let printed = installation.run(&["man", "dayuan.toml"]).stdout;
    assert_eq!(printed, std::fs::read(all.join("man5/dayuan.toml.5")).unwrap());
}

/// Collects the settings of a JSON Schema.
fn settings(schema: &serde_json::Value, found: &mut Vec<String>) {
    for (key, value) in schema["properties"].as_object().into_iter().flatten() {
        found.push(key.clone());
        settings(value, found);
        settings(&value["items"], found);
    }
}

#[test]
fn every_setting_is_in_the_manual_page_of_the_config() {
    let installation = Installation::new("");
    let page = String::from_utf8(installation.run(&["man", "dayuan.toml"]).stdout).unwrap();
    let mut found = Vec::new();
    for file in ["dayuan", "regions", "sources"] {
        let schema = installation.run(&["schema", file]).stdout;
        settings(&serde_json::from_slice(&schema).unwrap(), &mut found);
    }
    assert!(found.len() > 100, "{found:?}");
    // The former name of a setting is for old configs alone.
    for setting in found.iter().filter(|setting| *setting != "shelf") {
        assert!(page.contains(setting.as_str()), "{setting} is missing");
    }
    let Ok(mut groff) = Command::new("groff")
        .args(["-man", "-Tutf8", "-ww", "-Kutf8"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
    else {
        println!("SKIPPED: there is no groff here");
        return;
    };
    groff.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let output = groff.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_shell_takes_its_completions() {
    let installation = Installation::new("");
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = installation.run(&["completions", shell]).stdout;
        assert!(String::from_utf8_lossy(&script).contains("restore-item"), "{shell}");
        if shell == "bash" {
            let mut bash = Command::new("bash").arg("-n").stdin(Stdio::piped()).spawn().unwrap();
            bash.stdin.take().unwrap().write_all(&script).unwrap();
            assert!(bash.wait().unwrap().success());
        }
    }
}

#[test]
fn regions_are_looked_up() {
    let installation = Installation::new("");
    let shown = |arguments: &[&str]| {
        let output = installation.run(arguments);
        (
            output.status.code(),
            String::from_utf8(if output.status.success() { output.stdout } else { output.stderr }).unwrap(),
        )
    };
    assert_eq!(shown(&["regions", "井陉县"]), (Some(0), "130121  河北省石家庄市井陉县\n".to_owned()));
    assert!(shown(&["regions", "jingxing"]).1.starts_with("130121  "), "{:?}", shown(&["regions", "jingxing"]));
    let (_, cities) = shown(&["regions", "山西", "--below"]);
    assert!(cities.lines().count() == 12 && cities.contains("\n140300  山西省阳泉市  yangquan\n"), "{cities}");
    assert!(shown(&["regions", "城区"]).1.lines().count() >= 3);
    let (end, shown) = shown(&["regions", "井型县"]);
    assert!(end == Some(1) && shown.contains("the nearest are 130121 河北省石家庄市井陉县"), "{shown}");
}
