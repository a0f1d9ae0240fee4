import { effect } from '@preact/signals';
import { render } from 'preact';
import { Refusal, words } from './api/refusal';
import { codeIn, key, onKeyChange, signedOut } from './api/session';
import { live, swarm } from './live';
import { Approvals } from './sections/approvals/approvals';
import { Banner } from './sections/banner/banner';
import { Beside } from './sections/beside/beside';
import { Containers } from './sections/containers/containers';
import { Flow } from './sections/flow/flow';
import { ForgeSection } from './sections/forge/forge';
import { Inbox } from './sections/inbox/inbox';
import { Login, redeem } from './sections/login/login';
import { LooseEnds } from './sections/loose/loose';
import { MetaInputs } from './sections/meta/meta';
import { Parked } from './sections/parked/parked';
import { Questions } from './sections/questions/questions';
import { Reminders } from './sections/reminders/reminders';
import { Tombstones } from './sections/tombstones/tombstones';
import { Confirm } from './ui/confirm';

function App() {
  if (signedOut.value !== null) return <Login onEntered={entered} />;
  return (
    <>
      <Banner />
      <main class={`deck ${swarm.loaded.value ? '' : 'loading'}`}>
        {swarm.loaded.value ? (
          <>
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
          </>
        ) : (
          <p class="empty">Reading the swarm …</p>
        )}
      </main>
      {swarm.loaded.value ? <Beside /> : null}
      <Confirm />
    </>
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
      // A code that did not reach the host stays, for a reload to try again.
      const unreachable = e instanceof Refusal && e.code === 'unreachable';
      if (!unreachable) dropCode();
      if (key() === null) {
        signedOut.value = unreachable ? `The login link could not be tried: ${words(e)}. Reload the page to try again.` : `The login link was refused: ${words(e)}`;
        return;
      }
    }
  }
  if (key() === null) signedOut.value = '';
  else live.start();
}

effect(() => {
  const waiting = swarm.waiting.value;
  document.title = signedOut.value !== null ? 'HIVE · signed out' : waiting > 0 ? `(${waiting}) HIVE` : 'HIVE';
});
effect(() => {
  if (signedOut.value !== null) live.stop();
});
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
addEventListener('online', () => live.retry());
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') live.retry();
});
addEventListener('hashchange', () => {
  if (codeIn(location.hash) !== null) void enter();
});

const root = document.getElementById('hive');
if (root !== null) render(<App />, root);
void enter();
