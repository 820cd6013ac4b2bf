//! Broken configs of every kind: each is refused, with file, line and remedy, in both languages.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use dayuan::config::{Config, Places};
use dayuan::write::Language;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    file: String,
    line: Option<usize>,
    en: String,
    zh: String,
    #[serde(default = "one")]
    faults: usize,
    settings: Option<String>,
    regions: Option<String>,
    sources: Option<String>,
    #[serde(default)]
    texts: BTreeMap<String, String>,
    #[serde(default)]
    bytes: BTreeMap<String, String>,
}

fn one() -> usize {
    1
}

#[derive(Deserialize)]
struct Cases {
    case: Vec<Case>,
}

fn cases() -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/configs.toml");
    toml::from_str::<Cases>(&std::fs::read_to_string(path).unwrap()).unwrap().case
}

fn write(case: &Case, folder: &Path) {
    std::fs::create_dir_all(folder.join("sources")).unwrap();
    for (name, text) in
        [("dayuan.toml", &case.settings), ("regions.toml", &case.regions), ("sources/a.toml", &case.sources)]
    {
        if let Some(text) = text {
            std::fs::write(folder.join(name), text).unwrap();
        }
    }
    for (name, text) in &case.texts {
        std::fs::write(folder.join(name), text).unwrap();
    }
    for (name, hex) in &case.bytes {
        let digits: Vec<u8> =
            hex.bytes().map(|digit| (digit as char).to_digit(16).unwrap().try_into().unwrap()).collect();
        let bytes: Vec<u8> = digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect();
        std::fs::write(folder.join(name), bytes).unwrap();
    }
}

#[test]
fn broken_configs_are_told_with_file_line_and_remedy_in_both_languages() {
    let cases = cases();
    assert!(cases.len() >= 60, "only {} cases", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let folder = tempfile::tempdir().unwrap();
        write(case, folder.path());
        let Err(faults) = Config::load(folder.path(), &Places::default()) else {
            wrong.push(format!("{}: accepted", case.name));
            continue;
        };
        let told = |language| -> Vec<String> {
            faults.iter().map(|fault| format!("{:?} {}", fault.line(), fault.line_in(language))).collect()
        };
        let is_told = |language, text: &str| {
            faults.iter().any(|fault| {
                fault.path == folder.path().join(&case.file)
                    && (case.line.is_none() || fault.line() == case.line)
                    && fault.line_in(language).contains(text)
            })
        };
        let shown = faults.render_in(Language::Chinese, false);
        let has_caret = case.line.is_none() || shown.contains('─') && shown.contains("这里");
        if faults.count() != case.faults
            || !is_told(Language::English, &case.en)
            || !is_told(Language::Chinese, &case.zh)
            || !has_caret
        {
            wrong.push(format!("{}: {:#?}\n{:#?}", case.name, told(Language::English), told(Language::Chinese)));
        }
        // Nothing of the Chinese remedy is left in English.
        for fault in faults.iter() {
            let (english, chinese) = (fault.told(Language::English), fault.told(Language::Chinese));
            if english.0 == chinese.0 || !english.1.is_empty() && english.1 == chinese.1 {
                wrong.push(format!("{}: not in Chinese: {english:?}", case.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {} are wrong:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn the_locale_or_else_the_config_chooses_the_language() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("sources")).unwrap();
    let check = |settings: &str, locale: &[(&str, &str)]| {
        std::fs::write(folder.path().join("dayuan.toml"), settings).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_dayuan"));
        for name in ["LANG", "LC_ALL", "LC_MESSAGES"] {
            command.env_remove(name);
        }
        command.envs(locale.iter().copied());
        let output = command.arg("--config").arg(folder.path()).arg("check").output().unwrap();
        assert_eq!(output.status.code(), Some(78));
        String::from_utf8(output.stderr).unwrap()
    };
    let broken = "[log]\nlevel = \"verbose\"\n";
    let stated = |language: &str| format!("{broken}[publish]\nlanguage = \"{language}\"\n");
    for (settings, locale, is_chinese) in [
        (broken.to_owned(), &[][..], false),
        (broken.to_owned(), &[("LANG", "zh_CN.UTF-8")], true),
        (broken.to_owned(), &[("LANG", "zh_CN.UTF-8"), ("LC_ALL", "en_GB.UTF-8")], false),
        (stated("zh-CN"), &[("LANG", "C.UTF-8")], true),
        (stated("en"), &[], false),
        (stated("zh-CN"), &[("LANG", "en_US.UTF-8")], false),
    ] {
        let shown = check(&settings, locale);
        let parts = if is_chinese {
            ["不是日志级别", "办法：", "处错误"]
        } else {
            ["is not a log level", "help: ", "1 fault"]
        };
        for part in parts {
            assert!(shown.contains(part), "`{part}` is missing with {locale:?} in\n{shown}");
        }
    }
}
