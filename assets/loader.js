// Streamlit sends a component's JavaScript along with every change of its data; so only these lines travel that way,
// and the component itself comes once, over HTTP.
export default async function (component) {
  const module = await import(new URL(component.data.module, document.baseURI).href);
  return (module.mount ?? module.default)(component);
}
