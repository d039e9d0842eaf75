// In a page of the extension (a service worker has no WebRTC), after livekit-client. `onRoom` gets the room once you are
// in it, `tell` what the user should read. Returns the function that ends the session.
function startSession({ address, userId, secret, onRoom, tell }) {
  const Reason = LivekitClient.DisconnectReason;
  let socket, timer, wait = 500, ended = false;

  function connect() {
    const begun = Date.now();
    const room = new LivekitClient.Room();
    const link = socket = new WebSocket(address);
    link.onopen = () => link.send(JSON.stringify({
      type: "connection_info", userId, secret, timestamp: begun,
      userAgent: navigator.userAgent, extensionId: globalThis.chrome?.runtime?.id,
    }));
    link.onmessage = async ({ data }) => {
      const message = JSON.parse(data);
      if (message.type === "error") tell(`${message.code}: ${message.message}`);
      ended ||= message.code === "replaced"; // another window of this user has taken over
      if (message.type !== "room_assigned") return;
      try {
        await room.connect(message.url, message.token);
        onRoom(room, message);
      } catch (error) {
        if (!ended) tell(`cannot join ${message.room}: ${error.message}`);
        link.close();
      }
    };
    room.on("disconnected", (reason) => {
      if (reason === Reason.ROOM_DELETED) return; // the service says why, and closes the socket
      ended ||= reason === Reason.PARTICIPANT_REMOVED || reason === Reason.DUPLICATE_IDENTITY;
      link.close();
    });
    link.onclose = ({ code }) => {
      room.disconnect();
      if (ended || code === 4400 || code === 4401) return; // wrong user ID, wrong secret: no use trying again
      if (code === 1006) tell(`${address} does not answer, or does not allow ${location.origin}`);
      wait = Date.now() - begun > 60000 ? 1000 : Math.min(2 * wait, 60000);
      timer = setTimeout(connect, wait);
    };
  }

  connect();
  return () => {
    ended = true;
    clearTimeout(timer);
    socket.close();
  };
}
