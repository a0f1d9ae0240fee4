import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { fakeCrypto } from '../test/fake-crypto';
import { linkFailed, redeem } from './login';

beforeEach(() => fakeCrypto());
afterEach(() => vi.unstubAllGlobals());

/** The page's words for a login link that failed, and those of its form. */
async function said(answer: () => Response): Promise<{ link: string; form: string }> {
  vi.stubGlobal('fetch', async () => answer());
  const e: unknown = await redeem('code').catch((e: unknown) => e);
  return { link: linkFailed(e).why, form: (e as Error).message };
}

test('another program at the address: the advice is not to reload', async () => {
  const { link, form } = await said(() => new Response('hello'));
  expect(link).toBe(form);
  expect(link).toContain('Another program answers at this address');
  expect(link).toContain('Do not reload');
  expect(link).not.toMatch(/Reload the page|goes on/);
});

test('a host that is not ready may be another program', async () => {
  const { link, form } = await said(() => new Response('', { status: 503 }));
  expect(link).toMatch(/^The login link could not be tried: the host is not ready \(status 503\), .*do not reload/);
  expect(link).not.toContain('Reload the page');
  expect(form).toContain('do not reload');
});

test('after an unreachable host the code stays for a reload', async () => {
  const away = () => {
    throw new TypeError('fetch failed');
  };
  expect((await said(away)).link).toBe(
    'The login link could not be tried: the host cannot be reached. Reload the page to try again.',
  );
  expect(linkFailed(await redeem('code').catch((e: unknown) => e)).keepsCode).toBe(true);
});

test('every sentence ends with one full stop', async () => {
  for (const answer of [() => new Response('x'), () => new Response('', { status: 503 })])
    expect((await said(answer)).link).toMatch(/[^.]\.$/);
});
