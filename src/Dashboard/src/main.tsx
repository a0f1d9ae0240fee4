import { effect } from '@preact/signals';
import { render } from 'preact';
import { useLayoutEffect } from 'preact/hooks';
import { proofs } from './api/client';
import { linkFailed, redeem } from './api/login';
import { codeIn, key, onKeyChange, signedOut } from './api/session';
import { live, swarm } from './live';
import { Comeback } from './model/comeback';
import { fetchParts } from './parts';
import { AgentPage } from './sections/agent/page';
import { Approvals } from './sections/approvals/approvals';
import { Banner } from './sections/banner/banner';
import { Beside } from './sections/beside/beside';
import { Containers } from './sections/containers/containers';
import { Flow } from './sections/flow/flow';
import { ForgeSection } from './sections/forge/forge';
import { Inbox } from './sections/inbox/inbox';
import { Login } from './sections/login/login';
import { LooseEnds } from './sections/loose/loose';
import { MetaInputs } from './sections/meta/meta';
import { Parked } from './sections/parked/parked';
import { Questions } from './sections/questions/questions';
import { Reminders } from './sections/reminders/reminders';
import { StatsPage } from './sections/stats/page';
import { Tombstones } from './sections/tombstones/tombstones';
import { Confirm } from './ui/confirm';
import { followHistory, step, view } from './ui/link';
import { showUnseen } from './ui/unseen';

function App() {
  const { count, scroll, then } = step.value;
  useLayoutEffect(() => {
    if (count === 0) return;
    scrollTo(0, scroll);
    // Who hears the page hears where they are now.
    if (then === undefined) document.querySelector<HTMLElement>('main')?.focus({ preventScroll: true });
    else then();
  }, [count]);
  if (signedOut.value !== null) return <Login onEntered={entered} />;
  return (
    <>
      <Banner />
      {swarm.loaded.value ? (
        <>
          <Shown />
          <Beside />
        </>
      ) : (
        <main class="deck loading">
          <p class="empty">Reading the swarm …</p>
        </main>
      )}
      <Confirm />
    </>
  );
}

function Shown() {
  const shown = view.value;
  if (shown.kind === 'agent') return <AgentPage key={shown.name} name={shown.name} />;
  if (shown.kind === 'stats') return <StatsPage />;
  return (
    <main class="deck" tabIndex={-1} aria-label="The swarm">
      <div class="swarm">
        <Containers />
        <Tombstones />
        <MetaInputs />
        <ForgeSection />
        <Parked />
        <Questions />
        <Approvals />
        <Reminders />
        <Inbox />
        <LooseEnds />
      </div>
      <Flow />
    </main>
  );
}

/** A code works once: neither a reload nor the browser's history shall hold it. */
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

effect(() => {
  const waiting = swarm.waiting.value;
  const place = view.value.kind === 'agent' ? `${view.value.name} · HIVE` : view.value.kind === 'stats' ? 'statistics · HIVE' : 'HIVE';
  document.title = signedOut.value !== null ? 'HIVE · signed out' : waiting > 0 ? `(${waiting}) ${place}` : place;
});
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
effect(() => {
  if (proofs.value > 0) fetchParts();
});
/** Tries what waits for its next try. */
function hurry(): void {
  live.retry();
  comeback.hurry();
}
onKeyChange((newKey) => {
  if (newKey === null) signedOut.value ??= '';
  else if (signedOut.value !== null) {
    signedOut.value = null;
    live.start();
  }
});
addEventListener('pagehide', () => live.stop());
// Back from the browser's page cache: what was here is old and its stream is gone.
addEventListener('pageshow', (e) => {
  if (e.persisted) location.reload();
});
addEventListener('online', hurry);
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') hurry();
});
addEventListener('hashchange', () => {
  if (codeIn(location.hash) !== null) void enter();
});

showUnseen();
followHistory();
const root = document.getElementById('hive');
if (root !== null) render(<App />, root);
void enter();
