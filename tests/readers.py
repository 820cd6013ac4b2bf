#!/usr/bin/env python3
"""readers.py DAYUAN [ATOM.RNG]: runs the demo and reads its feeds with what people read feeds with: feedparser, sfeed,
newsboat, rss2email, liferea, rss-parser, feedsmith and listparser, and checks them with expat, the RELAX NG grammar of RFC 4287 and
the rules of the W3C validator; archives, filtered feeds, searches and withdrawn items, too. A feed without an item is a complaint. What is not installed is SKIPPED. NODE_MODULES is where
the last two readers are.
"""
import datetime, email.utils, http.server, json, os, pathlib, re, shutil, sqlite3, subprocess, sys, tempfile, threading, time
import urllib.error, urllib.request, xml.parsers.expat
import xml.etree.ElementTree as ElementTree

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


def read_with_liferea(base, folder):
    if not all(map(shutil.which, ('liferea', 'xvfb-run', 'xauth', 'dbus-run-session', 'gdbus'))):
        return skipped('liferea, xvfb-run, xauth, dbus-run-session or gdbus')
    home, files = folder / 'liferea', ('atom.xml', 'rss.xml')
    (home / '.config').mkdir(parents=True)
    (home / '.local' / 'share').mkdir(parents=True)
    # It has no command to read a feed, but a window that listens on D-Bus; it ends with the script.
    call = 'gdbus call --session --timeout 5 --dest org.gnome.feed.Reader --object-path /org/gnome/feed/Reader --method org.gnome.feed.Reader'
    script = 'liferea & for n in $(seq 40); do sleep 0.5; %s.GetUnreadItems > /dev/null 2>&1 && break; done; for url in "$@"; do %s.Subscribe "$url"; done; read -r _; kill $!' % (call, call)
    env = {**os.environ, 'HOME': str(home), 'XDG_CONFIG_HOME': f'{home}/.config', 'XDG_DATA_HOME': f'{home}/.local/share', 'XDG_CACHE_HOME': f'{home}/.cache',
           'GSETTINGS_BACKEND': 'memory', 'LIBGL_ALWAYS_SOFTWARE': '1'}
    command = ['timeout', '90', 'xvfb-run', '-a', 'dbus-run-session', '--', 'sh', '-c', script, 'sh', *(f'{base}/{file}' for file in files)]
    expected = {item['id']: int(datetime.datetime.fromisoformat(item['date_published'].replace('Z', '+00:00')).timestamp()) for item in json.loads(get(f'{base}/feed.json'))['items']}
    run, rows = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env), []
    for _ in range(120):
        time.sleep(0.5)
        for store in home.glob('.local/share/liferea/liferea.db'):
            try:
                rows = sqlite3.connect(f'file:{store}?mode=ro', uri=True).execute('select source_id, date from items where title is not null').fetchall()
            except sqlite3.Error:
                pass
        if len(rows) >= len(files) * ITEMS:
            break
    run.communicate(b'\n')
    wrong = [row for row in rows if expected.get(row[0]) != row[1]]
    ids = [row[0] for row in rows]
    report('liferea', '' if not wrong and all(ids.count(id) == len(files) for id in expected) else f'{len(rows)} items, {wrong[:1]}')


def read_with_node(base, urls):
    modules = os.environ.get('NODE_MODULES', '')
    if not shutil.which('node') or not os.path.isdir(f'{modules}/feedsmith') or not os.path.isdir(f'{modules}/rss-parser'):
        return skipped('rss-parser and feedsmith')
    moment = lambda text: datetime.datetime.fromisoformat(text.replace('Z', '+00:00'))
    # Dates in RSS have whole seconds.
    expected = {item['id']: (item['title'], item.get('url'), moment(item['date_published']).replace(microsecond=0)) for item in json.loads(get(f'{base}/feed.json'))['items']}
    for url in urls:
        run = subprocess.run(['node', str(pathlib.Path(__file__).with_suffix('.mjs')), modules], input=get(url), capture_output=True)
        if run.returncode != 0:
            report(f'rss-parser and feedsmith {name(url)}', run.stderr.decode()[-300:])
            continue
        for reader, items in json.loads(run.stdout).items():
            ids = [item['id'] for item in items]
            wrong = [item for item in items if item['id'] in expected and (item['title'], item['link'], moment(item['date']).replace(microsecond=0)) != expected[item['id']]]
            complaint = '' if ids and len(set(ids)) == len(ids) and not wrong and all(item.get('date') for item in items) else f'{len(ids)} items, {wrong[:1]}'
            if url in (f'{base}/{file}' for file in ('atom.xml', 'rss.xml', 'feed.json')) and set(ids) != set(expected):
                complaint += f' {len(set(ids) ^ set(expected))} items are missing or too many'
            report(f'{reader} {name(url)}', complaint)


def check_grammar(urls, folder, grammar):
    if not grammar or not shutil.which('xmllint'):
        return skipped('RELAX NG of RFC 4287')
    for url in urls:
        document = folder / 'document.xml'
        document.write_bytes(get(url))
        run = subprocess.run(['xmllint', '--noout', '--nonet', '--relaxng', grammar, str(document)], capture_output=True, text=True)
        report(f'RELAX NG of RFC 4287, {name(url)}', '' if run.returncode == 0 else run.stderr[:300])


def name(url):
    return url.split('/', 3)[3]


ATOM = '{http://www.w3.org/2005/Atom}'
HISTORY, TOMBSTONES = '{http://purl.org/syndication/history/1.0}', '{http://purl.org/atompub/tombstones/1.0}'
RFC3339 = re.compile(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)')


def feed_links(feed, rel):
    return [link.get('href') for link in feed.findall(ATOM + 'link') if link.get('rel') == rel]


def rules_of_atom(url):
    """What the W3C validator complains of in Atom, as far as these feeds could get it wrong."""
    feed = ElementTree.fromstring(get(url))
    if feed.find(ATOM + 'entry') is None:
        yield 'no entry'
    text = lambda element, tag: (element.findtext(ATOM + tag) or '').strip()
    if feed_links(feed, 'self') != [url]:
        yield f'self is {feed_links(feed, "self")}'
    entries = feed.findall(ATOM + 'entry')
    ids = [text(entry, 'id') for entry in entries]
    if len(set(ids)) != len(ids):
        yield 'an id twice'
    deleted = feed.findall(TOMBSTONES + 'deleted-entry')
    if {each.get('ref') for each in deleted} & set(ids):
        yield 'deleted, and there'
    for element in [feed, *entries]:
        missing = [tag for tag in ('id', 'title', 'updated') if not text(element, tag)]
        dates = [text(element, tag) for tag in ('updated', 'published') if element.find(ATOM + tag) is not None]
        if missing or not all(RFC3339.fullmatch(date) for date in dates):
            yield f'{missing} {dates}'
    for entry in entries:
        if not any(link.get('rel') == 'alternate' for link in entry.findall(ATOM + 'link')):
            yield f'{text(entry, "id")} without an alternate'
        alternates = [(link.get('type'), link.get('hreflang')) for link in entry.findall(ATOM + 'link') if link.get('rel') == 'alternate']
        if len(set(alternates)) != len(alternates):
            yield f'{text(entry, "id")} with alternates of one type'
        if not all(author.findtext(ATOM + 'name') for author in entry.findall(ATOM + 'author')):
            yield 'an author without a name'
        source = entry.find(ATOM + 'source')
        if source is None or not text(source, 'id') or not text(source, 'title'):
            yield f'{text(entry, "id")} without a source'
    for each in deleted:
        if not each.get('ref', '').startswith('urn:uuid:') or not RFC3339.fullmatch(each.get('when', '')):
            yield f'deleted-entry {each.attrib}'
    for element in feed.iter():
        for attribute in ('href', 'scheme', 'url'):
            if element.get(attribute) is not None and not re.match(r'https?://', element.get(attribute)):
                yield f'{attribute}={element.get(attribute)}'


def rules_of_rss(url):
    """The same for RSS 2.0."""
    channel = ElementTree.fromstring(get(url)).find('channel')
    if [link.get('href') for link in channel.findall(ATOM + 'link') if link.get('rel') == 'self'] != [url]:
        yield 'self'
    missing = [tag for tag in ('title', 'link', 'description') if not channel.findtext(tag)]
    items = channel.findall('item')
    if not items:
        yield 'no item'
    guids = [item.findtext('guid') for item in items]
    if missing or len(set(guids)) != len(guids):
        yield f'{missing}, or a guid twice'
    for item in items:
        date = item.findtext('pubDate') or ''
        if email.utils.parsedate_tz(date) is None or not (item.findtext('title') or item.findtext('description')):
            yield f'{item.findtext("guid")}: {date}'
        for enclosure in item.findall('enclosure'):
            if not all(enclosure.get(attribute) for attribute in ('url', 'type', 'length')):
                yield f'enclosure {enclosure.attrib}'
    days = [channel.findtext(tag) for tag in ('lastBuildDate',)]
    if not all(email.utils.parsedate_tz(day or '') for day in days):
        yield f'{days}'


def check_rules(base):
    for query in ('', '?only=1', '?above=1', '?only=1&above=1'):
        report(f'rules of Atom {query}', '; '.join(rules_of_atom(f'{base}/atom.xml{query}')))
        report(f'rules of RSS {query}', '; '.join(rules_of_rss(f'{base}/rss.xml{query}')))


def searches(root):
    """The feeds of a search, once the index is made."""
    urls = [f'{root}/search.{format}?q=%E9%98%B3%E6%B3%89' for format in ('atom', 'rss', 'json')]
    for _ in range(200):
        try:
            if json.loads(get(urls[-1]))['items']:
                break
        except urllib.error.HTTPError:
            pass
        time.sleep(0.05)
    return urls


def read_searches(urls):
    report('rules of Atom, search', '; '.join(rules_of_atom(urls[0])))
    report('rules of RSS, search', '; '.join(rules_of_rss(urls[1])))
    listed = [{entry.id for entry in feedparser.parse(get(url)).entries} for url in urls[:2]] + [{item['id'] for item in json.loads(get(urls[2]))['items']}]
    report('a search has the same items in every format', '' if listed[0] and listed[0] == listed[1] == listed[2] else f'{[len(ids) for ids in listed]} items')


def archives(base):
    """The archives that a feed leads to, newest first."""
    found, following = [], feed_links(ElementTree.fromstring(get(f'{base}/atom.xml')), 'prev-archive')
    while following and len(found) < 100:
        found += following
        following = feed_links(ElementTree.fromstring(get(found[-1])), 'prev-archive')
    return found


def read_archives(base, expected):
    documents = archives(base)
    ids = []
    for url in documents:
        complaints = list(rules_of_atom(url))
        feed = ElementTree.fromstring(get(url))
        if feed_links(feed, 'current') != [f'{base}/atom.xml']:
            complaints.append(f'current is {feed_links(feed, "current")}')
        report(f'rules of archives, {name(url)}', '; '.join(complaints))
        parsed = feedparser.parse(get(url))
        ids += [entry.id for entry in parsed.entries if entry.get('published_parsed')]
    is_all = documents and len(expected) == ITEMS and len(ids) == len(set(ids)) and set(ids) >= expected
    report('every item is in one archive', '' if is_all else f'{len(ids)} items in {len(documents)} archives, {len(expected)} expected')
    return documents


def withdrawn(dayuan, folder, grammar):
    """A daemon whose only source had a withdrawn item: the feed says so to all readers."""
    pages, config = folder / 'site', folder / 'config'
    for path in (pages, config / 'sources'):
        path.mkdir(parents=True)
    item = lambda n: f'<item><guid>{n}</guid><link>/a/{n}</link><title>消息{n}</title><description>正文。</description></item>'
    (pages / 'feed.xml').write_text(f'<rss version="2.0"><channel><title>x</title>{"".join(map(item, range(5)))}</channel></rss>')
    site = http.server.ThreadingHTTPServer(('127.0.0.1', 0), type('Quiet', (http.server.SimpleHTTPRequestHandler,), {
        '__init__': lambda self, *a: http.server.SimpleHTTPRequestHandler.__init__(self, *a, directory=pages), 'log_message': lambda *_: None}))
    threading.Thread(target=site.serve_forever, daemon=True).start()
    port = site.server_address[1]
    (config / 'dayuan.toml').write_text(f'[http]\nlisten = "127.0.0.1:0"\n[store]\npath = "{folder}/store"\n[admin]\nsocket = "{folder}/socket"\n[log]\nformat = "json"\n[fetch]\nallow_networks = ["127.0.0.1"]\nports = [{port}]\n')
    (config / 'sources' / 'a.toml').write_text(f'[[source]]\nid = "a"\ntitle = "a"\nregion = "140300"\nurl = "http://127.0.0.1:{port}/feed.xml"\n')
    daemon = subprocess.Popen([dayuan, 'run', '--config', config], stderr=subprocess.PIPE, text=True)
    try:
        root = None
        while root is None:
            line = daemon.stderr.readline()
            assert line, 'it ended'
            found = re.search(r'"address":"([\d.:]+)"', line)
            root = found and f'http://{found.group(1)}'
        threading.Thread(target=daemon.stderr.read, daemon=True).start()
        base = f'{root}/regions/140300'
        for _ in range(200):
            try:
                if get(f'{base}/atom.xml').count(b'<entry>') == 5:
                    break
            except urllib.error.HTTPError:
                pass
            time.sleep(0.05)
        first = feedparser.parse(get(f'{base}/atom.xml')).entries[0].id
        subprocess.run([dayuan, 'withdraw', first, '--reason', 'x', '--config', config], check=True, capture_output=True)
        text = get(f'{base}/atom.xml')
        parsed = feedparser.parse(text)
        told = f'ref="{first}"'.encode() in text and len(parsed.entries) == 4 and not parsed.bozo
        report('deleted-entry', '' if told else text.decode()[:600])
        report('rules with deleted-entry', '; '.join(rules_of_atom(f'{base}/atom.xml')))
        check_grammar([f'{base}/atom.xml', *archives(base)], folder, grammar)
        if shutil.which('sfeed'):
            lines = subprocess.run(['sfeed', base], input=text, capture_output=True).stdout.decode().splitlines()
            report('sfeed with deleted-entry', '' if len(lines) == 4 else f'{len(lines)} lines')
    finally:
        daemon.kill()
        daemon.wait()
        site.shutdown()


def read_opml_with_listparser(root):
    try:
        import listparser
    except ImportError:
        return skipped('listparser')
    parsed = listparser.parse(get(f'{root}/opml.xml').decode())
    urls = {outline.get('xmlUrl') for outline in ElementTree.fromstring(get(f'{root}/opml.xml')).iter('outline')} - {None}
    is_right = urls and not parsed.bozo and {feed.url for feed in parsed.feeds} == urls and parsed.meta.title and all(feed.title for feed in parsed.feeds)
    report('listparser', '' if is_right else f'{len(parsed.feeds)} of {len(urls)} feeds, {parsed.get("bozo_exception")}')


def read_opml(root):
    outlines = list(ElementTree.fromstring(get(f'{root}/opml.xml')).iter('outline'))
    feeds = [outline for outline in outlines if outline.get('xmlUrl')]
    nested = [outline.get('text') for outline in feeds if list(outline)]
    broken = [url for url in (outline.get('xmlUrl') for outline in feeds) if feedparser.parse(get(url)).bozo]
    report('OPML', '' if feeds and not nested and not broken and len({each.get('xmlUrl') for each in feeds}) == len(feeds) else f'{nested} {broken}')


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
            read_with_liferea(base, folder)
            check_rules(base)
            expected = {entry.id for entry in feedparser.parse(get(f'{base}/atom.xml')).entries}
            documents = read_archives(base, expected)
            queries = ('', '?only=1', '?above=1')
            files = ('atom.xml', 'rss.xml', 'feed.json')
            found = searches(root)
            read_searches(found)
            read_with_node(base, [*(f'{base}/{file}{query}' for file in files for query in queries), *documents, *found])
            check_grammar([*(f'{base}/atom.xml{query}' for query in queries), *documents, found[0], f'{root}/sources/atom.xml', f'{root}/sources/digest.xml'], folder, grammar)
            read_opml(root)
            read_opml_with_listparser(root)
            withdrawn(dayuan, folder / 'withdrawn', grammar)
    finally:
        demo.kill()
        demo.wait()
    print(f'readers: {len(failures)} complaints')
    sys.exit(1 if failures else 0)


if __name__ == '__main__':
    main()
