// Drives a real Chromium over the pages. The environment names the server
// (BASE), the browser (CHROMIUM) and where pictures go (ARTEFACTS).

import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const { BASE, CHROMIUM, ARTEFACTS } = process.env;
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const pages = {
	home: '/', listed: '/192.0.2.7', proof: '/192.0.2.8', refused: '/192.0.2.9', range: '/2001:db8::7',
	mixed: '/192.0.2.10', lockout: '/192.0.2.11', support: '/192.0.2.12', limited: '/192.0.2.13', soon: '/192.0.2.14', manual: '/2001:db8::7',
	wide: '/198.51.100.9', excepted: '/198.51.100.8', allowed: '/192.0.2.15', expired: '/192.0.2.16',
	clear: '/203.0.113.7', private: '/10.1.2.3', criteria: '/criteria', fix: '/fix', imported: '/192.0.2.17', out: '/192.0.2.18', missing: '/nonsense', invalid: '/192.0.2.300',
};
const core = ['home', 'listed', 'proof', 'refused', 'clear', 'criteria'];
const sizes = { wide: { width: 1100, height: 900 }, phone: { width: 320, height: 640 } };

let browser;
before(async () => {
	mkdirSync(ARTEFACTS, { recursive: true });
	browser = await chromium.launch({
		timeout: 180_000, // of a machine that does other things too
		executablePath: CHROMIUM,
		args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking'],
	});
});
after(() => browser?.close());

// open gives a page that fails the test for a request to anywhere else, and for
// anything that the Content-Security-Policy had to stop.
async function open(options = {}) {
	const context = await browser.newContext({ viewport: sizes.wide, ...options });
	context.setDefaultTimeout(180_000);
	const page = await context.newPage();
	const faults = [];
	page.on('request', (r) => { if (!r.url().startsWith(BASE)) faults.push(`asked ${r.url()}`); });
	page.on('console', (m) => { if (m.type() === 'error' && !/status of (400|404|422)/.test(m.text())) faults.push(m.text()); });
	page.on('pageerror', (e) => faults.push(String(e)));
	page.done = async () => {
		assert.deepEqual(faults, []);
		assert.deepEqual(await context.cookies(), []);
		await context.close();
	};
	return page;
}

async function picture(page, name) {
	await page.screenshot({ path: join(ARTEFACTS, `${name}.png`), fullPage: true });
}

// accessible fails for what axe-core finds, and for what runs out of the window.
async function accessible(page) {
	const { pathname } = new URL(page.url());
	const width = await page.evaluate(() => document.documentElement.scrollWidth);
	assert.ok(width <= page.viewportSize().width, `${pathname} is ${width} pixels wide`);
	await page.evaluate(axe);
	const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
	assert.deepEqual(found.violations.map((v) => `${pathname}: ${v.id}: ${v.nodes.map((n) => n.html).join(' | ')}`), []);
}

for (const [scheme, size] of [['light', 'wide'], ['dark', 'wide'], ['light', 'phone'], ['dark', 'phone']]) {
	test(`${scheme}, ${size}: no violation, nothing runs out of the window`, async () => {
		const page = await open({ colorScheme: scheme, viewport: sizes[size] });
		const all = (scheme === 'light') === (size === 'wide'); // the other two: those that differ most
		for (const [name, path] of Object.entries(pages).filter(([n]) => all || core.includes(n))) {
			await page.goto(BASE + path);
			await picture(page, `${name}-${scheme}-${size}`);
			await page.locator('details').evaluateAll((all) => all.forEach((d) => { d.open = true; }));
			await accessible(page);
		}
		await page.done();
	});
}

test('dark mode is dark', async () => {
	for (const [scheme, dark] of [['light', false], ['dark', true]]) {
		const page = await open({ colorScheme: scheme });
		await page.goto(BASE + '/');
		const paper = await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
		const light = paper.match(/\d+/g).slice(0, 3).every((c) => Number(c) > 127);
		assert.equal(light, !dark, paper);
		await page.done();
	}
});

test('look up, request and result, without JavaScript', async () => {
	const page = await open({ javaScriptEnabled: false });
	await page.goto(BASE + '/');
	await page.getByLabel('IP address').fill(' ::ffff:192.0.2.20 ');
	await page.getByRole('button', { name: 'Look up' }).click();
	assert.equal(page.url(), BASE + '/192.0.2.20');
	await page.getByRole('heading', { name: 'Listed', exact: true }).waitFor();
	await page.getByText('Leave a mail address or a note').click();
	await page.getByLabel('Your mail address').fill('postmaster@sender.example');
	await page.getByLabel('What has changed').fill('The name in HELO is <b>set</b>.');
	await page.getByRole('button', { name: 'Remove the listing' }).click();
	await page.getByRole('heading', { name: 'The listing is removed' }).waitFor();
	await picture(page, 'result-light-wide');
	assert.match(page.url(), /\/result\/[^/]{20,}$/);
	await page.reload(); // nothing is sent again, and the result is still there
	await page.getByRole('heading', { name: 'The listing is removed' }).waitFor();
	await page.getByRole('link', { name: 'Back to the page of the address' }).click();
	await page.getByRole('heading', { name: 'Not listed' }).waitFor();
	await page.done();
});

test('a fault in the form is said beside the field', async () => {
	const page = await open({ viewport: sizes.phone });
	await page.goto(BASE + '/192.0.2.7');
	await page.locator('form.request').evaluate((f) => { f.noValidate = true; });
	await page.getByText('Leave a mail address or a note').click();
	await page.getByLabel('Your mail address').fill('not a mail address');
	await page.getByRole('button', { name: 'Remove the listing' }).click();
	await page.getByRole('alert').waitFor();
	assert.equal(await page.getByLabel('Your mail address').getAttribute('aria-invalid'), 'true');
	assert.match(await page.title(), /^Please check the form/);
	await picture(page, 'fault-light-phone');
	await accessible(page);
	await page.done();
});

test('a refusal says why and what changes it', async () => {
	const page = await open({ viewport: sizes.phone, colorScheme: 'dark' });
	for (const [address, button, heading, says, then] of [
		['192.0.2.9', 'Open a ticket', 'Your request is with our support', '6 hours without a bogus greeting', 'With our support'],
		['192.0.2.8', 'Check the proof', 'The listing stands for now', '@probe.bl.example', 'It is your turn'],
	]) {
		await page.goto(`${BASE}/${address}`);
		await page.getByRole('button', { name: button }).click();
		await page.getByRole('heading', { name: heading }).waitFor();
		assert.match(await page.getByRole('main').innerText(), new RegExp(says));
		await picture(page, `refusal-${address}-dark-phone`);
		await accessible(page);
		await page.getByRole('link', { name: 'the page of this request' }).click();
		await page.getByRole('heading', { name: then }).waitFor();
		await picture(page, `request-${address}-dark-phone`);
		await accessible(page);
	}
	await page.done();
});

// focused tells what a keyboard user is at, and that he can see it.
async function focused(page) {
	return page.evaluate(() => {
		const e = document.activeElement;
		const style = getComputedStyle(e);
		return { name: (e.getAttribute('aria-label') || e.labels?.[0]?.innerText || e.innerText || '').trim().split('\n')[0], visible: style.outlineStyle !== 'none' && style.outlineWidth !== '0px' };
	});
}

async function tabTo(page, name) {
	for (let n = 0; n < 60; n++) {
		await page.keyboard.press('Tab');
		const at = await focused(page);
		assert.ok(at.visible, `the focus on ${at.name} cannot be seen`);
		if (at.name.startsWith(name)) return;
	}
	assert.fail(`Tab never comes to ${name}`);
}

test('keyboard alone', async () => {
	const page = await open();
	await page.goto(BASE + '/');
	await page.keyboard.press('Tab');
	assert.equal((await focused(page)).name, 'Skip to the content');
	await page.keyboard.press('Enter');
	await tabTo(page, 'IP address');
	await page.keyboard.type('192.0.2.21');
	await page.keyboard.press('Enter');
	await page.waitForURL(BASE + '/192.0.2.21');
	await tabTo(page, 'Leave a mail address or a note');
	await page.keyboard.press('Enter');
	await tabTo(page, 'Your mail address');
	await page.keyboard.type('postmaster@sender.example');
	await tabTo(page, 'Remove the listing');
	await page.keyboard.press('Enter');
	await page.getByRole('heading', { name: 'The listing is removed' }).waitFor();
	await page.done();
});

test('a screen reader finds its way', async () => {
	const page = await open();
	await page.goto(BASE + '/192.0.2.7');
	for (const role of ['banner', 'navigation', 'main', 'contentinfo', 'search']) assert.equal(await page.getByRole(role).count(), 1, role);
	const levels = await page.locator('h1, h2, h3').evaluateAll((all) => all.map((h) => Number(h.tagName[1])));
	assert.equal(levels[0], 1);
	levels.reduce((before, now) => { assert.ok(now <= before + 1, `heading ${now} follows ${before}`); return now; });
	await page.getByText('How it greeted in the last 30 days').click();
	assert.match(await page.getByRole('img').getAttribute('aria-labelledby'), /chart-title/);
	await page.getByText('The same as a table').click();
	assert.equal(await page.locator('figure table tbody tr').count(), 30);
	await page.done();
});

test('the decision and its button stand under the status, before what is folded', async () => {
	const page = await open({ viewport: sizes.phone });
	await page.goto(BASE + '/192.0.2.7');
	const y = async (l) => (await l.boundingBox()).y;
	const button = await y(page.getByRole('button', { name: 'Remove the listing' }));
	assert.ok(await y(page.getByRole('heading', { name: 'Listed', exact: true })) < button);
	for (const folded of ['Why it is listed, in detail', 'How it greeted in the last 30 days']) assert.ok(button < await y(page.getByText(folded)));
	await page.done();
});

for (const [locale, listed] of [['de-AT', 'Eingetragen'], ['es-MX', 'En la lista']]) {
	test(`${locale}: every page, on a phone`, async () => {
		const page = await open({ viewport: sizes.phone, locale });
		for (const [name, path] of Object.entries(pages).filter(([n]) => core.includes(n))) {
			await page.goto(BASE + path);
			await picture(page, `${name}-${locale}-phone`);
			assert.equal(await page.locator('html').getAttribute('lang'), locale.slice(0, 2));
			await page.locator('details').evaluateAll((all) => all.forEach((d) => { d.open = true; }));
			await accessible(page);
		}
		await page.goto(BASE + '/192.0.2.7');
		await page.getByRole('heading', { name: listed, exact: true }).waitFor();
		await page.done();
	});
}

test('forced colours: what colour told apart has lines', async () => {
	const page = await open({ forcedColors: 'active' });
	for (const name of ['home', 'listed', 'clear', 'mixed']) {
		await page.goto(BASE + pages[name]);
		await page.locator('details').evaluateAll((all) => all.forEach((d) => { d.open = true; }));
		await picture(page, `${name}-forced-wide`);
		const border = await page.evaluate(() => getComputedStyle(document.querySelector('button')).borderTopColor);
		assert.notEqual(border, 'rgba(0, 0, 0, 0)');
	}
	await page.done();
});
