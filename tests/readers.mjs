// readers.mjs NODE_MODULES < FEED: prints what rss-parser and feedsmith read in a feed as JSON: of every entry its
// id, title, link and date.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [modules] = process.argv.slice(2);
const load = createRequire(path.join(path.resolve(modules), 'x'));
const text = fs.readFileSync(0, 'utf8');

const { parseFeed } = await import(pathToFileURL(load.resolve('feedsmith')));
const { format, feed } = parseFeed(text);
const feedsmith = {
  atom: () => feed.entries.map((entry) => ({ id: entry.id, title: entry.title?.value ?? entry.title, link: entry.links?.find((link) => link.rel === 'alternate')?.href, date: entry.published })),
  rss: () => feed.items.map((item) => ({ id: item.guid?.value, title: item.title, link: item.link, date: item.pubDate })),
  json: () => feed.items.map((item) => ({ id: item.id, title: item.title, link: item.url, date: item.date_published })),
}[format]();
const read = { feedsmith };

if (text.startsWith('<')) {
  const Parser = load('rss-parser');
  const parsed = await new Parser().parseString(text);
  read['rss-parser'] = parsed.items.map((item) => ({ id: item.id ?? item.guid, title: item.title, link: item.link, date: item.isoDate }));
}
for (const items of Object.values(read)) for (const item of items) item.date = item.date && new Date(item.date).toISOString();
console.log(JSON.stringify(read));
