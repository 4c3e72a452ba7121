package main

import (
	"encoding/json"
	"fmt"
	"os"
)

// Message is anything that the proxy sends. Type says which of the other fields count; the whole of
// it is in Raw.
type Message struct {
	Type    string `json:"type"`
	ID      string `json:"id"`
	Name    string `json:"name"`
	Code    string `json:"code"`
	Text    string `json:"message"`
	Pointer string `json:"pointer"`
	Raw     []byte `json:"-"`
}

// What the proxy refused, and where in the document that was.
func (message Message) refusal() string {
	if message.Pointer == "" {
		return fmt.Sprintf("refused: %s %s", message.Code, message.Text)
	}
	return fmt.Sprintf("refused: %s %s %s", message.Code, message.Pointer, message.Text)
}

// Hello is the first message of either side.
type Hello struct {
	Type        string   `json:"type"`
	Version     string   `json:"version"`
	Name        string   `json:"name"`
	Release     string   `json:"release"`
	Token       string   `json:"token,omitempty"`
	MaxInFlight int      `json:"max_in_flight"`
	Subscribe   []string `json:"subscribe"`
}

// Control is one of the messages that are hardly more than a word.
type Control struct {
	Type    string `json:"type"`
	ID      string `json:"id,omitempty"`
	EventID string `json:"event_id,omitempty"`
	Code    string `json:"code,omitempty"`
	Text    string `json:"message,omitempty"`
}

// Settings are what the command line and the environment say.
type Settings struct {
	Proxy   string
	Listen  string
	Targets []string
	Name    string
	Token   string
}

// This application's own version, by which records and reports tell one from the next.
const release = "0.1.0"

func hello(name, token string) Hello {
	// All kinds of notifications there are.
	kinds := []string{"progress", "answered", "failed", "ended"}
	return Hello{"hello", "1.0", name, release, token, 1000, kinds}
}

func parse(raw []byte) (Message, error) {
	message := Message{Raw: raw}
	// A call's `code` is a number, an error's a word.
	var kind struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(raw, &kind); err != nil {
		return message, err
	}
	if kind.Type == "call" {
		message.Type = kind.Type
		return message, nil
	}
	return message, json.Unmarshal(raw, &message)
}

func complain(format string, values ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", values...)
}
