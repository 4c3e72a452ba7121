package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand"
	"net"
	"sync"
	"time"
)

const (
	heartbeat   = 5 * time.Second
	firstWait   = 200 * time.Millisecond
	longestWait = 10 * time.Second
	longestLine = 1 << 20
)

// RunTCP keeps one connection to the proxy, newline-delimited JSON in both directions, until ctx is
// done. The wait between two connections grows and has a random part, so that a thousand applications
// do not return to a restarted proxy in the same moment.
func RunTCP(ctx context.Context, settings Settings, biller *Biller) error {
	failures := 0
	for {
		greeted, err := connect(ctx, settings, biller)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			complain("%v", err)
		}
		failures++
		if greeted {
			failures = 0
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait(failures)):
		}
	}
}

func wait(failures int) time.Duration {
	longest := longestWait
	if failures < 6 {
		longest = firstWait << failures
	}
	return longest/2 + time.Duration(rand.Int63n(int64(longest/2)))
}

// One connection.
type session struct {
	settings Settings
	biller   *Biller
	conn     net.Conn
	writing  sync.Mutex
	mutex    sync.Mutex
	inFlight map[string]context.CancelFunc
	greeted  bool
	draining bool
	// Since the drain, the proxy has said that no question is under way any more.
	nothingNew bool
}

func connect(ctx context.Context, settings Settings, biller *Biller) (greeted bool, err error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", settings.Proxy)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	session := &session{
		settings: settings, biller: biller, conn: conn,
		inFlight: make(map[string]context.CancelFunc),
	}
	ended := make(chan struct{})
	defer close(ended)
	go session.beat(ctx, ended)
	session.send(hello(settings.Name, settings.Token))
	err = session.read()
	return session.greeted, err
}

func (session *session) read() error {
	defer session.cancelAll()
	lines := bufio.NewScanner(session.conn)
	lines.Buffer(nil, longestLine)
	for session.listen(); lines.Scan(); session.listen() {
		if len(lines.Bytes()) == 0 {
			continue
		}
		message, err := parse(append([]byte(nil), lines.Bytes()...))
		if err != nil {
			return fmt.Errorf("not a message: %w", err)
		}
		if session.onMessage(message); session.isDone() {
			return nil
		}
	}
	if session.isDone() {
		return nil
	}
	return lines.Err()
}

// Either side takes the other for dead when it was silent for two intervals.
func (session *session) listen() {
	_ = session.conn.SetReadDeadline(time.Now().Add(2 * heartbeat))
}

func (session *session) onMessage(message Message) {
	switch message.Type {
	case "route":
		session.begin(message)
	case "cancelled":
		session.finish(message.ID)
	case "call":
		session.onCall(message)
	case "ping":
		session.send(Control{Type: "pong"})
	case "pong":
		session.onPong()
	case "hello":
		session.mutex.Lock()
		session.greeted = true
		session.mutex.Unlock()
		fmt.Printf("connected to %s\n", message.Name)
	case "drain":
		fmt.Println("the proxy is about to end")
	case "error":
		complain("%s", message.refusal())
	}
}

// Each question has a goroutine: a decision that has to wait for a database holds up no other.
func (session *session) begin(message Message) {
	ctx, cancel := context.WithCancel(context.Background())
	session.mutex.Lock()
	session.inFlight[message.ID] = cancel
	session.mutex.Unlock()
	go session.answer(ctx, message)
}

func (session *session) answer(ctx context.Context, message Message) {
	defer session.finish(message.ID)
	var event Event
	if err := json.Unmarshal(message.Raw, &event); err != nil {
		// The proxy asks the next application at once.
		session.send(Control{Type: "error", ID: message.ID, Code: "internal", Text: err.Error()})
		return
	}
	document := Decide(event, session.settings.Targets)
	if ctx.Err() == nil { // else the caller has hung up
		session.send(document)
	}
}

// The question is answered, or not to be answered any more.
func (session *session) finish(id string) {
	session.mutex.Lock()
	if cancel := session.inFlight[id]; cancel != nil {
		cancel()
		delete(session.inFlight, id)
	}
	session.mutex.Unlock()
	session.endWhenDone()
}

func (session *session) cancelAll() {
	session.mutex.Lock()
	defer session.mutex.Unlock()
	for _, cancel := range session.inFlight {
		cancel()
	}
}

func (session *session) onCall(message Message) {
	var call Call
	err := json.Unmarshal(message.Raw, &call)
	if err == nil {
		err = session.biller.Bill(call)
	}
	if err != nil {
		complain("not billed: %v", err) // without an ack it comes again
		return
	}
	session.send(Control{Type: "ack", EventID: call.EventID})
}

func (session *session) beat(ctx context.Context, ended chan struct{}) {
	ticker := time.NewTicker(heartbeat)
	defer ticker.Stop()
	stop := ctx.Done()
	for {
		select {
		case <-ended:
			return
		case <-stop:
			stop = nil
			session.drain()
		case <-ticker.C:
			session.send(Control{Type: "ping"})
		}
	}
}

// No new questions, please. The pong to the ping behind it says that none is under way.
func (session *session) drain() {
	session.mutex.Lock()
	session.draining = true
	session.nothingNew = !session.greeted
	session.mutex.Unlock()
	session.send(Control{Type: "drain"})
	session.send(Control{Type: "ping"})
	session.endWhenDone()
}

func (session *session) onPong() {
	session.mutex.Lock()
	session.nothingNew = session.draining
	session.mutex.Unlock()
	session.endWhenDone()
}

func (session *session) isDone() bool {
	session.mutex.Lock()
	defer session.mutex.Unlock()
	return session.nothingNew && len(session.inFlight) == 0
}

func (session *session) endWhenDone() {
	if session.isDone() {
		session.conn.Close()
	}
}

func (session *session) send(message any) {
	text, err := json.Marshal(message)
	if err != nil {
		complain("%v", err)
		return
	}
	session.writing.Lock()
	defer session.writing.Unlock()
	// A connection that is lost is found by whoever reads.
	_, _ = session.conn.Write(append(text, '\n'))
}
