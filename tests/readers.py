#!/usr/bin/env python3
"""readers.py DAYUAN [ATOM.RNG]: runs the demo and reads its feeds with what people read feeds with: feedparser, sfeed,
newsboat and rss2email, and checks them with expat and the RELAX NG grammar of RFC 4287. What is not installed is SKIPPED.
"""
import json, os, pathlib, re, shutil, sqlite3, subprocess, sys, tempfile, time, urllib.request, xml.parsers.expat

import feedparser

ITEMS = 20
failures = []


def report(name, complaint):
    print(f'{name}: {"ok" if not complaint else "COMPLAINT: " + complaint}')
    if complaint:
        failures.append(name)


def skipped(name):
    print(f'{name}: SKIPPED: it is not installed')


def get(url):
    return urllib.request.urlopen(url, timeout=10).read()


def read_with_feedparser(base):
    for file in ('atom.xml', 'rss.xml'):
        parsed = feedparser.parse(get(f'{base}/{file}'))
        complaint = str(parsed.get('bozo_exception', '')) if parsed.bozo else ''
        if len(parsed.entries) != ITEMS:
            complaint += f'{len(parsed.entries)} entries'
        for entry in parsed.entries:
            missing = [name for name in ('id', 'title', 'link', 'published_parsed') if not entry.get(name)]
            if missing or not entry.id.startswith('urn:uuid:') or not entry.get('source', {}).get('title'):
                complaint += f' {entry.get("title")}: {missing}'
        report(f'feedparser {file}', complaint)


def read_with_expat(base, pages):
    for url in [f'{base}/atom.xml', f'{base}/rss.xml', *pages]:
        try:
            xml.parsers.expat.ParserCreate(namespace_separator=' ').Parse(get(url), True)
            report(f'expat {url.rsplit("/", 1)[1]}', '')
        except xml.parsers.expat.ExpatError as error:
            report(f'expat {url.rsplit("/", 1)[1]}', str(error))


def read_json(base):
    feed = json.loads(get(f'{base}/feed.json'))
    complaint = ''
    if feed.get('version') != 'https://jsonfeed.org/version/1.1' or len(feed['items']) != ITEMS:
        complaint = f'{feed.get("version")}, {len(feed["items"])} items'
    for item in feed['items']:
        if not item.get('id') or not (item.get('content_html') or item.get('content_text')) or not isinstance(item['id'], str):
            complaint += f' {item.get("title")}'
    report('JSON Feed 1.1', complaint)


def read_with_sfeed(base):
    if not shutil.which('sfeed'):
        return skipped('sfeed')
    for file in ('atom.xml', 'rss.xml'):
        run = subprocess.run(['sfeed', base], input=get(f'{base}/{file}'), capture_output=True)
        lines = run.stdout.decode().splitlines()
        bad = [line for line in lines if len(line.split('\t')) < 6 or not all(line.split('\t')[i] for i in (0, 1, 2, 5))]
        report(f'sfeed {file}', '' if len(lines) == ITEMS and not bad and not run.stderr else f'{len(lines)} lines, {bad[:1]} {run.stderr[:100]}')


def read_with_newsboat(base, folder):
    if not shutil.which('newsboat'):
        return skipped('newsboat')
    for file in ('atom.xml', 'rss.xml'):
        urls, cache = folder / f'urls-{file}', folder / f'cache-{file}'
        urls.write_text(f'{base}/{file}\n')
        config = folder / 'newsboat.conf'
        config.write_text('')
        subprocess.run(['newsboat', '-u', urls, '-c', cache, '-C', config, '-x', 'reload'], capture_output=True, timeout=60, env={**os.environ, 'HOME': str(folder), 'TERM': 'dumb'})
        rows = sqlite3.connect(cache).execute('select title, url, guid, pubDate from rss_item').fetchall() if cache.exists() else []
        bad = [row for row in rows if not row[0] or not row[1] or not row[2].startswith('urn:uuid:') or row[3] < 1_000_000_000]
        report(f'newsboat {file}', '' if len(rows) == ITEMS and not bad else f'{len(rows)} items, {bad[:1]}')


def read_with_rss2email(base, folder):
    if not shutil.which('r2e'):
        return skipped('rss2email')
    for file in ('atom.xml', 'rss.xml'):
        box = folder / f'mail-{file}'
        for name in ('new', 'cur', 'tmp'):
            (box / 'inbox' / name).mkdir(parents=True)
        config, data = folder / f'r2e-{file}.cfg', folder / f'r2e-{file}.json'
        config.write_text(f'[DEFAULT]\nfrom = dayuan@example.org\nto = reader@example.org\nemail-protocol = maildir\nmaildir-path = {box}\nmaildir-mailbox = inbox\n')
        command = ['r2e', '-c', str(config), '-d', str(data)]
        added = subprocess.run([*command, 'add', 'yangquan', f'{base}/{file}'], capture_output=True, text=True)
        run = subprocess.run([*command, 'run'], capture_output=True, text=True, timeout=120)
        mails = list((box / 'inbox' / 'new').iterdir())
        report(f'rss2email {file}', '' if len(mails) == ITEMS else f'{len(mails)} mails; {added.stderr[-200:]} {run.stderr[-200:]}')


def check_grammar(base, folder, grammar):
    if not grammar or not shutil.which('xmllint'):
        return skipped('RELAX NG of RFC 4287')
    document = folder / 'atom.xml'
    document.write_bytes(get(f'{base}/atom.xml'))
    run = subprocess.run(['xmllint', '--noout', '--nonet', '--relaxng', grammar, str(document)], capture_output=True, text=True)
    report('RELAX NG of RFC 4287', '' if run.returncode == 0 else run.stderr[:300])


def main():
    dayuan, grammar = os.path.abspath(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None
    demo = subprocess.Popen([dayuan, 'demo', '--listen', '127.0.0.1:0', '--for', '300s'], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd='/tmp')
    try:
        root = re.search(r'http://[\d.:]+', demo.stdout.readline()).group()
        base = f'{root}/regions/140300'
        for _ in range(200):
            if get(f'{base}/atom.xml').count(b'<entry>') == ITEMS:
                break
            time.sleep(0.05)
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            read_with_feedparser(base)
            read_with_expat(base, [f'{root}/opml.xml'])
            read_json(base)
            read_with_sfeed(base)
            read_with_newsboat(base, folder)
            read_with_rss2email(base, folder)
            check_grammar(base, folder, grammar)
    finally:
        demo.kill()
        demo.wait()
    print(f'readers: {len(failures)} complaints')
    sys.exit(1 if failures else 0)


if __name__ == '__main__':
    main()
