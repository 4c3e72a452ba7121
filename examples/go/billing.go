package main

import (
	"fmt"
	"sync"
)

// Call is a notification about a call: only the parts of it that this application looks at.
type Call struct {
	EventID    string            `json:"event_id"`
	Event      string            `json:"event"`
	From       string            `json:"from"`
	To         string            `json:"to"`
	Code       int               `json:"code"`
	DurationMS int               `json:"duration_ms"`
	Cause      string            `json:"cause"`
	Tags       map[string]string `json:"tags"`
}

// Biller is the billing hook: what a billing system does with the notifications. This one prints.
type Biller struct {
	mutex  sync.Mutex
	billed map[string]bool
	order  []string
}

// Notifications come at least once. So many event ids are kept to tell repeats.
const remembered = 10000

// Bill takes one notification. When it returns nil, the notification is acknowledged and not sent
// again; so a hook that writes to a database returns when that is done.
func (biller *Biller) Bill(call Call) error {
	biller.mutex.Lock()
	defer biller.mutex.Unlock()
	if biller.billed[call.EventID] {
		return nil
	}
	what := fmt.Sprint(call.Code)
	if call.Event == "ended" {
		what = fmt.Sprintf("%d ms, %s", call.DurationMS, call.Cause)
	}
	fmt.Printf("%s: %s to %s, tariff %s, %s\n", call.Event, call.From, call.To, tariff(call), what)
	biller.remember(call.EventID)
	return nil
}

func (biller *Biller) remember(id string) {
	if biller.billed == nil {
		biller.billed = make(map[string]bool)
	}
	biller.billed[id] = true
	biller.order = append(biller.order, id)
	if len(biller.order) > remembered {
		delete(biller.billed, biller.order[0])
		biller.order = biller.order[1:]
	}
}

func tariff(call Call) string {
	if name := call.Tags["tariff"]; name != "" {
		return name
	}
	return "none"
}
