import { useLayoutEffect } from 'preact/hooks';
import { signedOut } from '../api/session';
import { address } from '../ui/address';
import { Confirm } from '../ui/confirm';
import { step } from '../ui/link';
import { live } from '../ui/live';
import { Banner } from './banner';
import { Beside } from './beside';
import { Login } from './login';
import { placeAt } from './place';

export function App({ onEntered }: { onEntered: () => void }) {
  const { count, scroll, then } = step.value;
  useLayoutEffect(() => {
    if (count === 0) return;
    scrollTo(0, scroll);
    // A screen reader announces the new place.
    if (then === undefined) document.querySelector<HTMLElement>('main')?.focus({ preventScroll: true });
    else then();
  }, [count]);
  if (signedOut.value !== null) return <Login onEntered={onEntered} />;
  return (
    <>
      <Banner />
      {live.picture.loaded.value ? (
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
  const shown = placeAt(address.value);
  if (shown === null) return null;
  const { view: View, name } = shown;
  return <View key={address.value} name={name} />;
}
