package main

import (
	"regexp"
	"strings"
)

// Event is what the proxy asks: only the parts of it that this application looks at.
type Event struct {
	ID      string `json:"id"`
	Request struct {
		Method string `json:"method"`
		URI    string `json:"uri"`
	} `json:"request"`
}

// Document is the answer: what to do with the request.
type Document struct {
	Version string            `json:"version"`
	ID      string            `json:"id"`
	Action  string            `json:"action,omitempty"`
	Routing string            `json:"routing,omitempty"`
	Routes  []Route           `json:"routes,omitempty"`
	Reply   *Reply            `json:"reply,omitempty"`
	Tags    map[string]string `json:"tags,omitempty"`
}

// Route is one target.
type Route struct {
	URI string `json:"uri"`
	// Milliseconds without any answer before the next target's turn.
	FrTimer int     `json:"fr_timer,omitempty"`
	Headers Headers `json:"headers"`
}

// Headers are changes to the headers of one target's request.
type Headers struct {
	Set map[string]string `json:"set,omitempty"`
}

// Reply is a response that the proxy gives itself.
type Reply struct {
	Code   int    `json:"code"`
	Reason string `json:"reason"`
}

type line struct {
	user    *regexp.Regexp
	routing string
	targets int
	tariff  string
	reply   *Reply
}

// The routing table: the first line whose pattern matches the called user decides.
var table = []line{
	{user: regexp.MustCompile(`^1\d\d$`), routing: "parallel", targets: 2, tariff: "office"},
	{user: regexp.MustCompile(`^2\d\d$`), routing: "serial", targets: 2, tariff: "failover"},
	{user: regexp.MustCompile(`^9`), reply: &Reply{403, "Not From Here"}},
	{user: regexp.MustCompile(`^[A-Za-z]`), routing: "serial", targets: 1, tariff: "names"},
	{user: regexp.MustCompile(``), reply: &Reply{404, "Unknown Number"}},
}

var userPart = regexp.MustCompile(`^sips?:([^@;]+)@`)

// Decide is the decision: from an event to a route document. It knows nothing of channels, and this
// file is all that a routing application of your own has to replace.
func Decide(event Event, targets []string) Document {
	user := ""
	if found := userPart.FindStringSubmatch(event.Request.URI); found != nil {
		user = found[1]
	}
	document := Document{Version: "1.0", ID: event.ID}
	for _, line := range table {
		if line.user.MatchString(user) {
			line.fill(&document, user, targets)
			break
		}
	}
	return document
}

func (line line) fill(document *Document, user string, targets []string) {
	if line.reply != nil {
		document.Action, document.Reply = "reply", line.reply
		return
	}
	document.Routing = line.routing
	document.Tags = map[string]string{"tariff": line.tariff}
	for _, target := range targets[:line.targets] {
		document.Routes = append(document.Routes, Route{
			URI:     strings.Replace(target, "sip:", "sip:"+user+"@", 1),
			FrTimer: 2000,
			Headers: Headers{Set: map[string]string{"X-Routed-By": "examples/go"}},
		})
	}
}
