// Streamlit sends a component's JavaScript along with every change of its data; so only these lines travel that way,
// and the explorer itself comes once, over HTTP.
export default async function (component) {
  const { mount } = await import(new URL(component.data.module, document.baseURI).href);
  return mount(component);
}
