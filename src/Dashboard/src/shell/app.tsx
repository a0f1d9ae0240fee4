import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { signedOut } from '../api/session';
import { refusal } from '../ui/action';
import { address } from '../ui/address';
import { isBehind, REFUSED } from '../ui/behind';
import { Confirm } from '../ui/confirm';
import { Refused } from '../ui/fault';
import { features, inOrder } from '../ui/feature';
import { hear, press, unheard, useKey } from '../ui/keys';
import { Shown } from '../ui/later';
import { go, step } from '../ui/link';
import { live } from '../ui/live';
import { Menu } from '../ui/menu';
import { isCovered } from '../ui/modal';
import { opened, Panel, PanelKey } from '../ui/panel';
import { Part } from '../ui/part';
import { placeAt, places } from '../ui/registry';
import { Skip } from '../ui/skip';
import { Toasts } from '../ui/toasts';
import { Told } from '../ui/told';
import { KeyMap } from './key-map';
import { Login } from './login';
import { Missing } from './missing';
import { Navigation } from './nav';
import { Palette } from './palette';
import { Top } from './top';

/** The shell around every place: top bar, navigation, side panel, and the layers over them. */
export function App({ onEntered }: { onEntered: () => void }) {
  if (signedOut.value !== null) return <Login onEntered={onEntered} />;
  const loaded = live.picture.loaded.value;
  return (
    <>
      <Skip to="place">the place</Skip>
      {loaded ? (
        <button type="button" class="skip" onClick={() => press('write')}>
          Skip to the box to write in
        </button>
      ) : null}
      <Top />
      {loaded ? (
        <Ready />
      ) : (
        <main class="place loading" id="place" tabIndex={-1}>
          <p class="dim">Reading the swarm …</p>
        </main>
      )}
    </>
  );
}

function Ready() {
  const covered = isCovered();
  const side = sideOf(opened.value);
  return (
    <>
      <div class={`shell ${side === null ? '' : 'with-panel'} ${isBehind.value ? 'behind' : ''}`} inert={covered}>
        <Navigation />
        <div class="middle">
          <Place />
          {inOrder((feature) => feature.bottom).map(({ view: View }, i) => (
            <View key={i} />
          ))}
        </div>
        {side}
      </div>
      {isBehind.value ? (
        <p id="behind" class="hidden">
          {REFUSED}
        </p>
      ) : null}
      <PlaceKeys />
      <Menu />
      <KeyMap />
      <Palette />
      {inOrder((feature) => feature.layers).map(({ view: View }, i) => (
        <View key={i} />
      ))}
      <Confirm />
      <Told />
      <Toasts />
      <Refusal />
    </>
  );
}

/** The latest refusal, until it is closed; and why the keys do nothing. */
function Refusal() {
  return (
    <div class="refusals">
      <Refused error={unheard.value} onClose={hear} />
      <Refused
        error={refusal.value}
        onClose={() => {
          refusal.value = null;
        }}
      />
    </div>
  );
}

/** The panel's content, of the feature that shows such things; null while the panel is closed. */
function sideOf(open: string | null): ComponentChildren {
  if (open === null) return null;
  const at = open.indexOf(':');
  const [kind, name] = at < 0 ? [open, ''] : [open.slice(0, at), open.slice(at + 1)];
  for (const { panels } of features.value) {
    const view = panels?.[kind];
    if (view !== undefined)
      return (
        <div class="side" key={open}>
          <Shown view={view} props={{ name }} what="this panel" />
        </div>
      );
  }
  const kinds = features.value.flatMap(({ panels }) => Object.keys(panels ?? {}));
  return (
    <div class="side" key={open}>
      <Panel label="Not found" feature="missing" title="Not found">
        <p class="empty">
          “<bdi>{open}</bdi>” cannot be opened beside a place: it would begin with{' '}
          {kinds.map((known) => `${known}:`).join(' or ')}.
        </p>
      </Panel>
    </div>
  );
}

function Place() {
  const found = placeAt(address.value);
  const { count, scroll, then } = step.value;
  const view = found?.place.view;
  const isThere = !(view instanceof Part) || view.code.value !== null;
  const done = useRef(0);
  // Once the new place is drawn, which its code may have to be fetched for.
  useLayoutEffect(() => {
    if (!isThere || done.current === count) return;
    done.current = count;
    scrollTo(0, scroll);
    // A screen reader announces the new place.
    if (then === undefined) document.querySelector<HTMLElement>('main')?.focus({ preventScroll: true });
    else then();
  });
  if (found === null) return <Missing path={address.value} />;
  const { place, params } = found;
  return <Shown key={place.address} view={place.view} props={{ params }} what="this place" />;
}

/** The keys that lead to places. */
function PlaceKeys() {
  return (
    <>
      {places.value.map(({ nav }) => (nav === undefined ? null : <PlaceKey key={nav.to} name={nav.key} to={nav.to} />))}
      <BackKey />
      <PanelKey />
    </>
  );
}

function PlaceKey({ name, to }: { name: Parameters<typeof useKey>[0]; to: string }) {
  useKey(name, () => go(to), true, 'shell');
  return null;
}

/** Escape leaves a box for the place, below every other layer. */
function BackKey() {
  useKey(
    'back',
    () => {
      const at = document.activeElement;
      if (!(at instanceof HTMLElement) || at === document.body || at.tagName === 'MAIN') return false;
      const row = at.closest<HTMLElement>('[data-key]');
      if (row !== null && row !== at) row.focus({ preventScroll: true });
      else document.querySelector<HTMLElement>('main')?.focus({ preventScroll: true });
      return true;
    },
    true,
    'shell',
  );
  return null;
}
