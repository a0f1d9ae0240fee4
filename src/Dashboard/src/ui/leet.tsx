/** A label as it is drawn; the button it stands in says in plain words what it does. */
export function Leet({ text }: { text: string }) {
  return <span class="leet" data-leet={text} />;
}
