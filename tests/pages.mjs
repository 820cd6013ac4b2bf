// pages.mjs DAYUAN NODE_MODULES: opens every kind of page in headless Chromium, on a phone and on a desk, light and
// dark, in Chinese and English, and complains of what axe-core finds, of what jumps, overflows or weighs too much.
// CHROMIUM is the path of the browser; SHOTS that of a folder for screenshots of all of it.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import zlib from 'node:zlib';

const [dayuan, modules] = process.argv.slice(2).map((argument) => path.resolve(argument));
const load = createRequire(path.join(modules, 'x'));
const puppeteer = load('puppeteer-core');
const axe = fs.readFileSync(load.resolve('axe-core/axe.min.js'), 'utf8');

const LANGUAGES = ['zh-CN', 'en'];
const WIDTHS = [390, 1280];
const MOST_BYTES = 30_000;
/// What axe cannot decide, and where that is no fault; anything else that it cannot decide is a complaint.
const UNDECIDED = [
  // A wide table scrolls in its own box, which hides some of its cells; their colours are those of the others.
  { id: 'color-contrast', reason: 'elmPartiallyObscured', within: '.body table' },
];
/// Contrast of texts (WCAG 2.2, 1.4.3).
const LEAST_CONTRAST = 4.5;

const children = [];
let opened = 0;
const complaints = [];

function complain(where, what) {
  complaints.push(`${where}: ${what}`);
  console.log(`COMPLAINT: ${where}: ${what}`);
}

/// Starts a daemon or the demo; resolves when a line tells its address.
async function start(folder, ...args) {
  const child = spawn(dayuan, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  const address = new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      readline.createInterface({ input: stream }).on('line', (line) => {
        const found = line.match(/"address":"([\d.:]+)"/)?.[1] ?? line.match(/http:\/\/(127\.0\.0\.1:\d+)/)?.[1];
        if (found) resolve(`http://${found}`);
      });
    }
    child.on('exit', (code) => reject(new Error(`dayuan ${args[0]} ended with ${code}`)));
  });
  return { child, root: await address };
}

/// Ends a daemon and waits until it is gone with all that it began.
async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => { child.once('exit', resolve); });
  child.kill();
  const late = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await gone;
  clearTimeout(late);
}

async function until(what, condition) {
  for (let tries = 0; tries < 400; tries++) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${what}: not within 20 s`);
}

async function count(url, mark) {
  const answer = await fetch(url);
  return (await answer.text()).split(mark).length - 1;
}

function freePort() {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/// A grey picture of this size (PNG).
function picture(width, height) {
  const chunk = (kind, data) => {
    const body = Buffer.concat([Buffer.from(kind), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head[8] = 8;
  const rows = Buffer.alloc((width + 1) * height, 0x99);
  for (let row = 0; row < height; row++) rows[row * (width + 1)] = 0;
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', head), chunk('IDAT', zlib.deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]);
}

function crc32(bytes) {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
  }
  return (crc ^ -1) >>> 0;
}

/// Titles and texts as sites really have them, all of which break a page that is made for the usual ones.
const AWKWARD = [
  { title: '阳泉市人民政府办公室关于印发《阳泉市城市生活垃圾分类管理办法实施细则（试行）》等六项配套制度并组织开展全市范围内专项督导检查工作的通知'.repeat(2) },
  { title: '', text: '没有标题的一条消息，只有正文：今天上午，三矿路小学操场向居民开放。' },
  { title: 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft'.repeat(3), text: 'x'.repeat(400) },
  { title: 'https://www.example.gov.cn/xxgk/zfxxgkml/202603/t20260309_1234567890123456789012345678901234567890.html?a=1&b=2' },
  { title: '图', picture: '/wide.png' },
  { title: '南山公园的桃花开了，周末将有三千人登山', picture: '/tall.png', text: '花。'.repeat(100) },
  { title: '图片打不开的一条', picture: '/missing.png' },
  { title: '<b>&amp; "引号" \'单引号\' &lt;script&gt;</b>' },
  { title: '带表格和大图的通知', text: `<h1>一</h1><h4>二</h4><a href="/x"></a><a href="/y"><img src="/wide.png"></a><table border="1"><tr>${'<td>很宽的一格内容不换行</td>'.repeat(14)}</tr></table><p><img src="/wide.png"></p><p><img src="/tall.png" alt="高"></p><pre>${'很长的一行代码'.repeat(30)}</pre>`, picture: '/wide.png' },
];

/// A site with these items, and ninety plain ones so that there are older pages.
function site() {
  const escape = (text) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;');
  const day = (n) => new Date(Date.now() - n * 5 * 3600_000).toUTCString();
  const plain = Array.from({ length: 60 }, (_, n) => ({ title: `第${n}号社区食堂开门营业`, text: `第${n}号社区食堂今天开门。` }));
  const served = { '/wide.png': picture(1600, 500), '/tall.png': picture(400, 1500) };
  const server = http.createServer((request, response) => {
    const { host } = request.headers;
    const item = ({ title, text, picture: file }, n) => `<item><guid>${n}</guid><link>/a/${n}</link><pubDate>${day(n)}</pubDate><title>${escape(title)}</title>`
      + `<description>${escape(text ?? '正文。')}</description>${file ? `<enclosure url="http://${host}${file}" type="image/png" length="1"/>` : ''}</item>`;
    const feed = `<rss version="2.0"><channel><title>x</title>${[...AWKWARD, ...plain].map(item).join('')}</channel></rss>`;
    const body = request.url === '/feed.xml' ? feed : served[request.url];
    response.writeHead(body ? 200 : 404, { 'content-type': body === feed ? 'application/rss+xml; charset=utf-8' : 'image/png' });
    // Pictures come late, as they do over a real network: what they push aside is seen to jump.
    setTimeout(() => response.end(body ?? ''), body === feed ? 0 : 60);
  });
  return new Promise((resolve) => { server.listen(0, '127.0.0.1', () => resolve(server)); });
}

/// The daemon whose only source is that site, served below a path.
async function awkward(folder, server) {
  const [port, from] = [await freePort(), server.address().port];
  fs.mkdirSync(path.join(folder, 'config', 'sources'), { recursive: true });
  fs.writeFileSync(path.join(folder, 'config', 'dayuan.toml'), `[http]\nlisten = "127.0.0.1:${port}"\npublic_url = "http://127.0.0.1:${port}/news"\n[store]\npath = "${folder}/store"\n`
    + `[publish]\ncontact = "editor-with-a-very-long-address-indeed@yangquan.example.org"\n[admin]\nsocket = "${folder}/socket"\n[log]\nformat = "json"\n[fetch]\nallow_networks = ["127.0.0.1"]\nports = [${from}]\n`);
  const source = (id, title, more) => `[[source]]\nid = "${id}"\ntitle = "${title}"\nregion = "140300"\nurl = "http://127.0.0.1:${from}/${more}\n`;
  fs.writeFileSync(path.join(folder, 'config', 'sources', 'a.toml'), source('awkward', '阳泉市城市生活垃圾分类管理与资源综合利用信息公开专栏（试运行）', 'feed.xml"\ncontent = "full"\nrights_basis = "ours"')
    + source('missing', '不存在的一个来源', 'nothing"'));
  const daemon = await start(folder, 'run', '--config', path.join(folder, 'config'));
  await until('the awkward items', async () => await count(`${daemon.root}/news/regions/140300`, '<h4>') >= 50);
  return daemon;
}

/// Paths of the items that a page lists.
async function items(root, page) {
  const text = await (await fetch(root + page)).text();
  return [...text.matchAll(/<h4><a href="([^"]+)">([^<]*)/g)].map((found) => ({ path: found[1], title: found[2] }));
}

/// The address that a page links with this mark before it.
async function linked(root, page, mark) {
  const text = await (await fetch(root + page)).text();
  return text.match(mark)?.[1].replace(/&#38;|&amp;/g, '&');
}

/// Every kind of page: name, address, and whether it is a feed.
async function kinds(demo, other) {
  const region = '/regions/140300';
  const listed = await items(demo, region);
  const details = [];
  for (const item of listed) {
    const text = await (await fetch(demo + item.path)).text();
    const has = ['id="also"', 'id="revisions"', 'id="event"', 'id="files"', 'id="parts"'].filter((mark) => text.includes(mark));
    if (has.some((mark) => !details.some((detail) => detail.has.includes(mark)))) details.push({ ...item, has });
  }
  const odd = (await items(other, '/news/regions/140300')).slice(0, AWKWARD.length);
  const archive = await linked(demo, `${region}/atom.xml`, /rel="prev-archive"[^>]*?href="([^"]+)"/) ?? await linked(demo, `${region}/atom.xml`, /href="([^"]+)"[^>]*?rel="prev-archive"/);
  const older = await linked(other, '/news/regions/140300', /rel="next" href="([^"]+)"/);
  const topic = await linked(demo, region, /href="([^"]+\?topic=[^"]+)"/);
  const source = await linked(demo, region, /class="source" href="([^"]+)"/);
  const pages = [
    ['home', `${demo}/`], ['region', demo + region], ['topic', demo + topic], ['source', demo + source], ['sources', `${demo}/sources`],
    ['regions', `${demo}/regions`], ['about', `${demo}/about`], ['search', `${demo}/search?q=${encodeURIComponent('阳泉')}`],
    ['search-none', `${demo}/search?q=zzzz&from=1`], ['404', `${demo}/nothing`], ['404-region', `${demo}/regions/110000`],
    ['quiet-region', `${demo}/regions/140400`],
    ...details.map((item, n) => [`item-${n}`, demo + item.path]),
    ['awkward-region', `${other}/news/regions/140300`], ['awkward-older', other + older], ['awkward-source', `${other}/news/sources/awkward`],
    ['awkward-sources', `${other}/news/sources`], ['awkward-search', `${other}/news/search?q=${encodeURIComponent('阳泉')}`],
    ...odd.map((item, n) => [`awkward-item-${n}`, other + item.path]),
  ];
  const feeds = [['feed-atom', `${demo}${region}/atom.xml`], ['feed-rss', `${demo}${region}/rss.xml`], ['archive', archive], ['awkward-feed', `${other}/news/regions/140300/atom.xml`]];
  const all = [...pages.map(([name, url]) => ({ name, url, isFeed: false })), ...feeds.map(([name, url]) => ({ name, url, isFeed: true }))];
  for (const { name, url } of all) if (!url || url.endsWith('undefined')) throw new Error(`there is no page to stand for ${name}`);
  return all;
}

/// What a page must hold in the browser; runs in the page.
function measure() {
  const width = document.documentElement.clientWidth || innerWidth;
  const wide = [...document.querySelectorAll('body *')].filter((element) => {
    const { left, right } = element.getBoundingClientRect();
    return right > width + 1 && left < right && !element.closest('.body table, .body pre, .skip');
  });
  return { shift: window.shift ?? 0, over: document.documentElement.scrollWidth - width, wide: wide.slice(0, 2).map((element) => element.outerHTML.slice(0, 120)), scripts: document.scripts?.length ?? 0 };
}

async function check(browser, { name, url, isFeed }, language, width) {
  const page = await browser.newPage();
  const where = `${name} ${language} ${width}`;
  try {
    await page.setViewport({ width, height: width < 800 ? 844 : 900, isMobile: width < 800, hasTouch: width < 800 });
    await page.setExtraHTTPHeaders({ 'accept-language': language });
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'light' }]);
    await page.evaluateOnNewDocument(() => {
      window.shift = 0;
      new PerformanceObserver((list) => { for (const entry of list.getEntries()) window.shift += entry.value; }).observe({ type: 'layout-shift', buffered: true });
    });
    const session = await page.createCDPSession();
    await session.send('Network.enable');
    const pictures = new Set();
    let bytes = 0;
    session.on('Network.responseReceived', ({ requestId, type }) => { if (type === 'Image') pictures.add(requestId); });
    session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => { if (!pictures.has(requestId)) bytes += encodedDataLength; });
    const answer = await page.goto(url, { waitUntil: 'networkidle0' });
    if (answer.status() !== (name.startsWith('404') ? 404 : 200)) complain(where, `it answers ${answer.status()}`);
    // Lazy pictures load as somebody comes to them.
    await page.evaluate(async () => {
      for (let at = 0; at < document.documentElement.scrollHeight; at += innerHeight) {
        scrollTo(0, at);
        await new Promise((resolve) => { setTimeout(resolve, 30); });
      }
      scrollTo(0, 0);
    });
    const found = await page.evaluate(measure);
    if (found.shift > 0) complain(where, `layout shift ${found.shift.toFixed(3)}`);
    if (found.over > 0 || found.wide.length) complain(where, `${found.over} px too wide: ${found.wide.join(' ')}`);
    if (found.scripts) complain(where, 'it has a script');
    if (bytes > MOST_BYTES) complain(where, `${bytes} bytes were transferred`);
    most = Math.max(most, bytes);
    await look(page, where, isFeed);
  } finally {
    await page.close();
  }
}

/// What axe finds and what it cannot decide; runs in the page.
async function ask(undecided) {
  const { violations, incomplete } = await window.axe.run(document, { resultTypes: ['violations', 'incomplete'], rules: { 'target-size': { enabled: true } } });
  const reasons = (node) => [...node.any, ...node.all, ...node.none].map(({ data, message }) => data?.messageKey ?? message);
  const isKnown = (id, node) => undecided.some((known) => known.id === id && reasons(node).every((reason) => reason === known.reason) && document.querySelector(node.target[0])?.closest(known.within));
  const open = incomplete.map(({ id, nodes }) => ({ id: `undecided ${id}`, nodes: nodes.filter((node) => !isKnown(id, node)) })).filter(({ nodes }) => nodes.length);
  return [...violations, ...open].map(({ id, nodes }) => `${id} (${nodes.length}): ${nodes[0].html.slice(0, 160)} ${nodes[0].failureSummary?.split('\n')[1] ?? ''}`);
}

/// The texts of a feed that are too pale to be read: axe does not read XML. Runs in the page.
function pale(least) {
  const light = (colour) => {
    const [red, green, blue] = colour.match(/[\d.]+/g).map((part) => part / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const paper = light(getComputedStyle(document.documentElement).backgroundColor);
  const shown = [...document.querySelectorAll('*')].filter((element) => element.getClientRects().length && [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()));
  const contrast = (element) => {
    const ink = light(getComputedStyle(element).color);
    return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
  };
  const bad = shown.filter((element) => contrast(element) < least);
  return shown.length ? bad.slice(0, 3).map((element) => `contrast ${contrast(element).toFixed(2)}: ${element.outerHTML.slice(0, 120)}`) : ['nothing of the feed is shown'];
}

/// Asks axe, in light and in dark, and takes screenshots.
async function look(page, where, isFeed) {
  if (!isFeed) await page.evaluate(axe);
  for (const scheme of ['light', 'dark']) {
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
    if (process.env.SHOTS) await page.screenshot({ path: path.join(process.env.SHOTS, `${where.replaceAll(' ', '-')}-${scheme}.png`), fullPage: true });
    const found = isFeed ? await page.evaluate(pale, LEAST_CONTRAST) : await page.evaluate(ask, UNDECIDED);
    for (const complaint of found) complain(`${where} ${scheme}`, complaint);
    opened++;
  }
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    for (const child of children) child.kill('SIGKILL');
    process.exit(1);
  });
}

let most = 0;
const began = Date.now();
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'dayuan-pages-'));
const server = await site();
const browsers = [];
try {
  const demo = await start(folder, 'demo', '--listen', '127.0.0.1:0', '--for', '30m');
  const other = await awkward(folder, server);
  await until('the items of the demo', async () => await count(`${demo.root}/regions/140300/atom.xml`, '<entry>') === 20);
  await until('the search of the demo', async () => await count(`${demo.root}/search?q=${encodeURIComponent('阳泉')}`, 'class="hit"') > 0);
  // A browser each: what is not in front is not painted.
  const options = { executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'] };
  for (let n = 0; n < 2; n++) browsers.push(await puppeteer.launch(options));
  const all = await kinds(demo.root, other.root);
  // Feeds and awkward items are the same in every language but for words that other pages have, too.
  const languages = ({ name, isFeed }) => (isFeed || name.startsWith('awkward-item') ? LANGUAGES.slice(0, 1) : LANGUAGES);
  const work = all.flatMap((kind) => languages(kind).flatMap((language) => WIDTHS.map((width) => [kind, language, width])));
  console.log(`${all.length} pages × ${WIDTHS.join(' and ')} px × light and dark × ${LANGUAGES.join(' and ')}, with ${await browsers[0].version()}`);
  let next = 0;
  const worker = async (browser) => {
    while (next < work.length) {
      const [kind, ...how] = work[next++];
      await check(browser, kind, ...how);
      if (next % 20 === 0) console.log(`${next} of ${work.length}, ${Math.round((Date.now() - began) / 1000)} s`);
    }
  };
  await Promise.all(browsers.map(worker));
} finally {
  await Promise.all(browsers.map((browser) => browser.close()));
  await Promise.all(children.map(end));
  server.closeAllConnections();
  server.close();
  fs.rmSync(folder, { recursive: true, force: true });
}
console.log(`pages: ${opened} looked at in ${Math.round((Date.now() - began) / 1000)} s, at most ${most} bytes without pictures, ${complaints.length} complaints`);
process.exit(complaints.length ? 1 : 0);
