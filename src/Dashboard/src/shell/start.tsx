import { effect } from '@preact/signals';
import { render } from 'preact';
import { proofs } from '../api/client';
import { linkFailed, redeem } from '../api/login';
import { codeIn, key, onKeyChange, signedOut } from '../api/session';
import { address } from '../ui/address';
import waitingIcon from '../ui/favicon-waiting.svg?url';
import { type Feature, features } from '../ui/feature';
import { keepFocus } from '../ui/focus';
import { followKeys } from '../ui/keys';
import { followHistory } from '../ui/link';
import { live } from '../ui/live';
import { Part } from '../ui/part';
import { followPreferences, readDocument } from '../ui/preferences';
import { agentTabs, places, titleAt, waitingKinds } from '../ui/registry';
import { visible } from '../ui/text/visible';
import { showUnseen } from '../ui/unseen';
import { App } from './app';
import { Comeback } from './comeback';
import { type Contributions, contribute } from './contributions';
import { paletteView } from './palette';

/** Starts the page with these features and with every file of the folders of contributions. */
export function start(all: readonly Feature[], from: Omit<Contributions, 'commands'>): void {
  features.value = all;
  contribute(from);
  readDocument();
  followPreferences();
  followKeys();
  keepFocus();
  live.use({
    stores: all.flatMap(({ store }) => store ?? []),
    onOtherVersion: () => location.reload(),
    // The host writes it into the document; the development server does not.
    build: document.querySelector<HTMLMetaElement>('meta[name="hive-version"]')?.content ?? null,
  });
  showTitle(all);
  stayConnected();
  fetchPartsWithProofs(all);
  showUnseen();
  followHistory();
  // Before the page is drawn, whose requests wait for a sign-in.
  void enter();
  const root = document.getElementById('hive');
  if (root !== null) render(<App onEntered={entered} />, root);
}

function showTitle(all: readonly Feature[]): void {
  effect(() => {
    const waiting = all.reduce((sum, feature) => sum + (feature.waiting?.value ?? 0), 0);
    const title = visible(titleAt(address.value));
    document.title = signedOut.value !== null ? 'HIVE · signed out' : waiting > 0 ? `(${waiting}) ${title}` : title;
    const icon = document.querySelector<HTMLLinkElement>('link[rel=icon]');
    const drawn = waiting > 0 ? waitingIcon : '/favicon.svg';
    if (icon !== null && icon.getAttribute('href') !== drawn) icon.href = drawn;
  });
}

/** Stops and starts the stream with the session, the network and the page's visibility. */
function stayConnected(): void {
  const comeback = new Comeback(() => {
    signedOut.value = null;
    live.start();
  });
  effect(() => {
    if (signedOut.value === null) comeback.stop();
    else {
      live.stop();
      comeback.start();
    }
  });
  const retryNow = () => {
    live.retry();
    comeback.hurry();
  };
  onKeyChange((newKey) => {
    if (newKey === null) signedOut.value ??= '';
    else if (signedOut.value !== null) {
      signedOut.value = null;
      live.start();
    }
  });
  addEventListener('pagehide', () => live.stop());
  // Back from the browser's page cache: the data is old and the stream is closed.
  addEventListener('pageshow', (e) => {
    if (e.persisted) location.reload();
  });
  addEventListener('online', retryNow);
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') retryNow();
  });
  addEventListener('hashchange', () => {
    if (codeIn(location.hash) !== null) void enter();
  });
}

/**
 * Fetches the code that is not there yet right after the host has proved itself, and at no other time: script that is
 * fetched later could come from another program at the host's address, and would read the key.
 */
function fetchPartsWithProofs(all: readonly Feature[]): void {
  effect(() => {
    if (proofs.value === 0) return;
    const views = [...places.value, ...agentTabs.value, ...waitingKinds.value].map(({ view }) => view);
    const panels = all.flatMap((feature) => Object.values(feature.panels ?? {}));
    const later = [...views, paletteView, ...panels].filter((view): view is Part<never> => view instanceof Part);
    for (const part of [...later, ...all.flatMap(({ parts }) => parts ?? [])]) void part.fetch();
  });
}

/** A code works once: removes it from the address and the browser's history. */
function dropCode(): void {
  if (codeIn(location.hash) !== null) history.replaceState(null, '', location.pathname + location.search);
}

function entered(): void {
  dropCode();
  live.start();
}

async function enter(): Promise<void> {
  const code = codeIn(location.hash);
  if (code !== null) {
    try {
      await redeem(code);
      dropCode();
    } catch (e) {
      const { why, keepsCode } = linkFailed(e);
      if (!keepsCode) dropCode();
      if (key() === null) {
        signedOut.value = why;
        return;
      }
    }
  }
  if (key() === null) signedOut.value = '';
  else live.start();
}
