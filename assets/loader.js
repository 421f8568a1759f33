// Streamlit sends a component's JavaScript along with every change of its data; so only these lines travel that way,
// and the component itself comes once, over HTTP. A call that the next one overtakes has its clean-up run while the
// component is still shown; only one that has left the page is cleaned up.
export default async function (component) {
  const module = await import(new URL(component.data.module, document.baseURI).href);
  const cleanUp = await (module.mount ?? module.default)(component);
  return () => setTimeout(() => { if (!component.parentElement.isConnected) cleanUp?.(); });
}
