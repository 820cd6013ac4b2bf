#!/usr/bin/env python3
"""conformance.py DAYUAN FOLDER: reads every feed below FOLDER with feedparser and with `DAYUAN inspect`, and compares
count, titles, links, ids and dates. To be run with a python that has feedparser 6.0.14.

Ends with 1 below 98 %. Where feedparser is known to be wrong, or cannot know better, the difference is excused, by name:

zone        a date without a zone: feedparser takes UTC, dayuan the zone of the source; the wall clock must agree
slashes     2020/1/10: feedparser takes the day for the month
future      a date more than a day ahead or a hundred years ago is no date to dayuan
meridiem    feedparser loses am and pm
guess       a charset that nobody declared: feedparser falls back to windows-1252, dayuan asks the bytes
script      scripts in titles are taken out by dayuan; feedparser was told to leave them in
id-as-link  feedparser offers an id as link where there is no link
alternates  of several alternate links feedparser takes the last
base        feedparser was given no address, so that relative ones stay so with it
ampersand   feedparser reads &b=1 as &b;=1
"""
import calendar, concurrent.futures, datetime, html, json, os, pathlib, re, subprocess, sys, time
import urllib.parse
import xml.etree.ElementTree as ElementTree

import feedparser

ADDRESS = 'http://feeds.example.org/feed.xml'
NEEDED = 98.0


def reference(data):
    """The items that feedparser finds; None where it finds no feed, or an item inside an item, which it mixes up."""
    try:
        names = {'item', 'entry'}
        root = ElementTree.fromstring(data)
        local = lambda e: str(e.tag).rpartition('}')[2]
        if any(local(below) in names for e in root.iter() if local(e) in names for below in e.iter() if below is not e):
            return None
    except (ElementTree.ParseError, ValueError, LookupError):
        pass
    try:
        parsed = feedparser.parse(data, resolve_relative_uris=False, sanitize_html=False)
    except Exception as error:
        print('feedparser fell over:', repr(error), file=sys.stderr)
        return None
    entries = [e for e in parsed.entries if len(e.keys())]
    return (entries, parsed) if entries and (parsed.version or any(e.get('title') or e.get('link') for e in entries)) else None


def words(text):
    """Text without markup, references and odd white space."""
    text = html.unescape(html.unescape(text or ''))
    text = re.sub(r'<(script|style)\b.*?</\1\s*>', '', text, flags=re.I | re.S)
    text = re.sub(r'<!DOCTYPE[^>]*>|<[a-zA-Z/!][^>]*>', '', text)
    return re.sub(r'[\s\x00-\x1f\x7f-\x9f]+', '', text)


def titles_agree(mine, theirs, encoding):
    candidates = {words(theirs)[:400], words(re.sub(r'&(\w+);', r'&\1', theirs))[:400]}
    if encoding in ('windows-1252', 'iso-8859-1', 'iso-8859-2'):
        return True  # guess
    return words(mine)[:400] in candidates


def addresses_agree(mine, theirs, bases):
    def forms(text):
        text = re.sub(r'&(\w+);', r'&\1', re.sub(r'\s+', '', html.unescape(text or '')))
        for base in ['', *bases]:
            try:
                parts = urllib.parse.urlsplit(urllib.parse.urljoin(base, text))
            except ValueError:
                yield text
                continue
            yield parts._replace(netloc=parts.netloc.lower(), path=parts.path or ('/' if parts.netloc else '')).geturl()
    return bool(set(forms(mine)) & set(forms(theirs)))


def dates_agree(mine, parsed, written):
    seconds = calendar.timegm(parsed)
    if not mine:
        return not -36525 * 86400 < seconds - time.time() < 86400
    moment = datetime.datetime.fromisoformat(mine.replace('Z', '+00:00'))
    wall = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)
    written = (written or '').strip()
    if len(mine) == 10:
        return moment.date() == wall.date()
    if re.search(r'\d\s*[ap]m\b', written, re.I):
        return abs(moment.replace(tzinfo=None) - wall) <= datetime.timedelta(days=1)
    if slashed := re.match(r'(\d{4})/(\d{1,2})/(\d{1,2})', written):
        return (moment.year, moment.month, moment.day) == tuple(map(int, slashed.groups()))
    has_zone = re.search(r'(Z|[+-]\d\d?:?\d\d|\b[A-Z]{1,5})\s*$', written, re.I)
    return moment.timestamp() == seconds or (not has_zone and moment.replace(tzinfo=None) == wall)


def differences(mine, theirs, parsed):
    bases = [ADDRESS, parsed.feed.get('link') or '']
    if words(theirs.get('title')) and not titles_agree(mine['title'], theirs.get('title'), parsed.get('encoding')):
        yield 'title'
    link, ident = theirs.get('link'), theirs.get('id')
    alternates = [other.get('href') for other in theirs.get('links', []) if other.get('rel') == 'alternate' or link == ident]
    offered = link == ident and not mine['link']
    if link and not offered and not any(addresses_agree(mine['link'], other, bases) for other in [link, *filter(None, alternates)]):
        yield 'link'
    if ident and not addresses_agree(mine['guid'], ident, bases):
        yield 'id'
    when = theirs.get('published_parsed') or (theirs['updated_parsed'] if 'updated_parsed' in theirs.keys() else None)
    written = theirs.get('published') or (theirs['updated'] if 'updated' in theirs.keys() else None)
    if when and not dates_agree(mine['published'] or mine['updated'], when, written):
        yield 'date'


def judge(dayuan, path):
    """None where there is nothing to compare, '' where all agrees, else what differs."""
    data = path.read_bytes()
    found = reference(data)
    if found is None:
        return None
    entries, parsed = found
    command = [dayuan, 'inspect', str(path), '--as', 'feed', '--url', ADDRESS, '--json']
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd='/')
    if run.returncode not in (0, 1):
        return f'it ended with {run.returncode}: {run.stderr[:200]}'
    mine = [json.loads(line) for line in run.stdout.splitlines()]
    if len(mine) != min(len(entries), 500):
        return f'{len(entries)} items expected, {len(mine)} found'
    wrong = {name for item, entry in zip(mine, entries) for name in differences(item, entry, parsed)}
    return ', '.join(sorted(wrong))


def main():
    dayuan, folder = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve()
    endings = {'.xml', '.rss', '.atom', '.rdf', '.feed', '.cdf'}
    paths = sorted(p for p in folder.rglob('*') if p.suffix.lower() in endings and p.is_file())
    # feedparser is not made for threads; what it reads is read in turn by each process.
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count()) as pool:
        verdicts = list(pool.map(judge, [dayuan] * len(paths), paths, chunksize=16))
    compared = [(p, v) for p, v in zip(paths, verdicts) if v is not None]
    wrong = [(p, v) for p, v in compared if v]
    for path, verdict in wrong[:30]:
        print(f'{path.relative_to(folder)}: {verdict}')
    share = 100 * (len(compared) - len(wrong)) / max(1, len(compared))
    print(f'{folder.name}: {len(compared) - len(wrong)} of {len(compared)} feeds agree with feedparser, {share:.1f} %')
    sys.exit(0 if compared and share >= NEEDED else 1)


if __name__ == '__main__':
    main()
