//! What people do with an endpoint.

use tidegate_sip::{Method, build};

use super::compose::{Dialog, Pen};
use super::endpoint::Endpoint;
use super::mailbox::Step;
use super::message::Message;

impl Endpoint {
    /// Sends an INVITE.
    pub(super) async fn call(&mut self, uri: &str) -> Step<Message> {
        let invite = self.pen().invite(uri);
        self.send(invite).await
    }

    /// Answers a request.
    pub(super) async fn reply(&mut self, request: &Message, status: u16) -> Step<Message> {
        let response = self.pen().response(request, status);
        self.send(response).await
    }

    /// Answers a call with anything but 2xx, and waits for the ACK.
    pub(super) async fn decline(&mut self, invite: &Message, status: u16) -> Step {
        self.reply(invite, status).await?;
        self.request(Method::Ack).await.map(drop)
    }

    /// Hears that the call failed, and acknowledges it (RFC 3261 section 17.1.1.3).
    pub(super) async fn fails_with(&mut self, status: u16, invite: &Message) -> Step<Message> {
        let failure = self.response(status, Method::Invite).await?;
        let mut ack = Vec::new();
        build::ack(invite.view(), failure.view(), &mut ack);
        self.send(ack).await?;
        Ok(failure)
    }

    /// Hangs up before there was an answer.
    pub(super) async fn cancel(&mut self, invite: &Message) -> Step {
        let mut cancel = Vec::new();
        build::cancel(invite.view(), &[], &mut cancel);
        self.send(cancel).await.map(drop)
    }

    /// Is told to stop ringing, and does.
    pub(super) async fn is_cancelled(&mut self, invite: &Message) -> Step<Message> {
        let cancel = self.request(Method::Cancel).await?;
        self.reply(&cancel, 200).await?;
        self.decline(invite, 487).await?;
        Ok(cancel)
    }

    /// A request inside a dialog.
    pub(super) async fn says(&mut self, dialog: &mut Dialog, method: Method) -> Step {
        let request = self.pen().in_dialog(dialog, method);
        self.send(request).await.map(drop)
    }

    fn pen(&self) -> Pen {
        Pen {
            name: self.actor.name(),
            address: self.address,
            transport: self.transport(),
            contact: self.uri(),
        }
    }
}

/// A call between two: from the ringing on.
pub(super) struct Talk {
    pub(super) caller: Dialog,
    pub(super) callee: Dialog,
}

/// `callee` rings, which `caller` hears.
pub(super) async fn rings(callee: &mut Endpoint, arrived: &Message, caller: &mut Endpoint) -> Step {
    callee.reply(arrived, 180).await?;
    caller.response(180, Method::Invite).await.map(drop)
}

/// `callee` answers; `caller` hears it, and its ACK comes through.
pub(super) async fn answers(
    callee: &mut Endpoint,
    arrived: &Message,
    caller: &mut Endpoint,
    invite: &Message,
) -> Step<Talk> {
    let sent = callee.reply(arrived, 200).await?;
    let answer = caller.response(200, Method::Invite).await?;
    let mut talk = Talk {
        caller: Dialog::of_caller(invite, &answer),
        callee: Dialog::of_callee(arrived, &sent),
    };
    caller.says(&mut talk.caller, Method::Ack).await?;
    callee.request(Method::Ack).await?;
    Ok(talk)
}

/// One of them hangs up, the other agrees.
pub(super) async fn hangs_up(
    one: &mut Endpoint,
    dialog: &mut Dialog,
    other: &mut Endpoint,
) -> Step<Message> {
    one.says(dialog, Method::Bye).await?;
    let bye = other.request(Method::Bye).await?;
    other.reply(&bye, 200).await?;
    one.response(200, Method::Bye).await?;
    Ok(bye)
}
