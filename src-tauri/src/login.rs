//! The window in which a user logs in to a platform: on the platform's own pages, which get nothing
//! of ours. What it is opened for is the session that the front door then gives it.
//!
//! The window forgets everything when it closes. Its pages can call nothing: the permission file
//! names another window.

use edk_api::host::LoginPage;
use edk_model::{Failure, Secret};
use gtk::gio::prelude::TlsCertificateExt as _;
use serde_json::Value;
use tauri::{
    AppHandle, Manager as _, Runtime, Url, WebviewUrl, WebviewWindow, WebviewWindowBuilder,
    WindowEvent, menu::Menu,
};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use webkit2gtk::{
    CookieManagerExt as _, LoadEvent, NetworkError, PolicyError, WebContextExt as _, WebView,
    WebViewExt as _, WebsiteDataManagerExt as _,
};

use crate::{
    desk::{self, Desk},
    window,
};

/// Name of the login's window.
pub(crate) const LABEL: &str = "login";

/// Where what the window comes to is told. Once it is known nobody listens any more.
type Tell = UnboundedSender<Result<Secret, Failure>>;

/// Lets the user log in to the target `name`, and then logs in with the session of the window. One
/// that is open for an earlier login is closed.
pub(crate) async fn in_window<R: Runtime>(
    app: &AppHandle<R>,
    name: &str,
) -> Result<Value, Failure> {
    let page = app.state::<Desk>().host.login_page(name)?;
    let session = session(app, &page).await.map_err(|error| page.no_window(error))?;
    desk::beside(move || page.log_in(session?)).await?
}

/// Closes the window, if it is open, and waits until its name is free.
pub(crate) async fn leave<R: Runtime>(app: &AppHandle<R>) {
    while app.get_webview_window(LABEL).is_some_and(|it| it.destroy().is_ok()) {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

/// Opens the window and waits for its session, or its end.
async fn session<R: Runtime>(
    app: &AppHandle<R>,
    page: &LoginPage,
) -> tauri::Result<Result<Secret, Failure>> {
    leave(app).await;
    let (tell, mut told) = unbounded_channel();
    let window = open(app, page)?;
    let (end, closed) = (tell.clone(), page.clone());
    window.on_window_event(move |event| {
        if let WindowEvent::Destroyed = event {
            let _ = end.send(Err(closed.closed()));
        }
    });
    let (titled, shown) = (window.clone(), page.clone());
    window.with_webview(move |view| follow(&view.inner(), &titled, &shown, &tell))?;
    let end = told.recv().await;
    leave(app).await;
    Ok(end.unwrap_or_else(|| Err(page.closed())))
}

fn open<R: Runtime>(app: &AppHandle<R>, page: &LoginPage) -> tauri::Result<WebviewWindow<R>> {
    // Empty until its signals are connected.
    let blank = WebviewUrl::External(Url::parse("about:blank").map_err(tauri::Error::InvalidUrl)?);
    let mut builder = WebviewWindowBuilder::new(app, LABEL, blank)
        .title(page.title(""))
        .inner_size(560.0, 720.0)
        .center()
        .menu(Menu::new(app)?)
        .incognito(true)
        .on_navigation(|address| matches!(address.scheme(), "http" | "https" | "about"))
        .on_download(|_, _| false);
    if let Some(main) = app.get_webview_window(window::LABEL) {
        builder = builder.parent(&main)?;
    }
    builder.build()
}

/// Goes to the login, and looks after each page for the session.
fn follow<R: Runtime>(view: &WebView, window: &WebviewWindow<R>, page: &LoginPage, tell: &Tell) {
    let (window, login, session) = (window.clone(), page.clone(), tell.clone());
    view.connect_load_changed(move |view, event| {
        if matches!(event, LoadEvent::Committed | LoadEvent::Finished) {
            let _ = window.set_title(&login.title(&view.uri().unwrap_or_default()));
            look(view, &login, &session);
        }
    });
    let (login, distrust) = (page.clone(), tell.clone());
    view.connect_load_failed_with_tls_errors(move |view, address, certificate, _| {
        match view.context().zip(login.door.believed(address, &chain(certificate))) {
            Some((context, host)) => {
                context.allow_tls_certificate_for_host(certificate, &host);
                view.load_uri(address);
            }
            None => drop(distrust.send(Err(login.not_trusted(address)))),
        }
        true
    });
    let (login, failed) = (page.clone(), tell.clone());
    view.connect_load_failed(move |_, _, address, error| {
        // A page that sends the user on gives up what it had begun.
        let given_up = error.matches(NetworkError::Cancelled)
            || error.matches(PolicyError::FrameLoadInterruptedByPolicyChange);
        if !given_up {
            let _ = failed.send(Err(login.unreachable(address, error)));
        }
        !given_up
    });
    view.load_uri(&page.door.url);
}

/// Tells the session once the front door has given one.
fn look(view: &WebView, page: &LoginPage, tell: &Tell) {
    let manager = view.website_data_manager().and_then(|it| it.cookie_manager());
    let (Some(manager), login, tell) = (manager, page.clone(), tell.clone()) else { return };
    manager.cookies(&page.door.url, gtk::gio::Cancellable::NONE, move |cookies| {
        let cookies = cookies.unwrap_or_default().into_iter();
        let pairs: Vec<_> = cookies.filter_map(|mut it| it.name().zip(it.value())).collect();
        if let Some(session) = login.door.session(pairs.iter().map(|(name, it)| (&**name, &**it))) {
            let _ = tell.send(Ok(session));
        }
    });
}

/// Returns the certificates which a server shows (DER), its own first.
fn chain(certificate: &gtk::gio::TlsCertificate) -> Vec<Vec<u8>> {
    let all = std::iter::successors(Some(certificate.clone()), |it| it.issuer());
    all.filter_map(|it| it.certificate().map(|der| der.to_vec())).collect()
}
