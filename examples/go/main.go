// A routing application for Tidegate: it is asked about each request, and answers with a route
// document. decide.go decides; tcp.go and http.go are the channels over which it is asked.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"regexp"
	"syscall"
)

const usage = `usage: router [tcp | http] [options]

  --proxy ADDRESS   tcp: where the proxy takes applications [127.0.0.1:8448]
  --listen ADDRESS  http: take the proxy's questions here [127.0.0.1:8080]
  --first URI       the first target [sip:127.0.0.1:5070]
  --second URI      the second target [sip:127.0.0.1:5071]
  --name NAME       what the proxy knows this application by [go]

The environment variable TOKEN holds the secret that proxy and application share, if there is one.
SIGTERM and SIGINT: no new questions; those under way are answered; then it ends.
`

func main() {
	channel, settings, err := read(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		fmt.Print(usage)
		return
	}
	if err != nil {
		complain("%v\n\n%s", err, usage)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	run := RunTCP
	if channel == "http" {
		run = RunHTTP
	}
	if err := run(ctx, settings, &Biller{}); err != nil {
		complain("%v", err)
		os.Exit(1)
	}
}

func read(arguments []string) (channel string, settings Settings, err error) {
	channel = "tcp"
	if len(arguments) > 0 && arguments[0] != "" && arguments[0][0] != '-' {
		channel, arguments = arguments[0], arguments[1:]
	}
	settings.Targets = make([]string, 2)
	flags := flag.NewFlagSet("router", flag.ContinueOnError)
	flags.Usage = func() {}
	flags.SetOutput(quiet{})
	flags.StringVar(&settings.Proxy, "proxy", "127.0.0.1:8448", "")
	flags.StringVar(&settings.Listen, "listen", "127.0.0.1:8080", "")
	flags.StringVar(&settings.Targets[0], "first", "sip:127.0.0.1:5070", "")
	flags.StringVar(&settings.Targets[1], "second", "sip:127.0.0.1:5071", "")
	flags.StringVar(&settings.Name, "name", "go", "")
	settings.Token = os.Getenv("TOKEN")
	if err := flags.Parse(arguments); err != nil {
		return channel, settings, err
	}
	return channel, settings, check(channel, settings, flags.Args())
}

var targetForm = regexp.MustCompile(`^sip:[^@\s]+$`)

func check(channel string, settings Settings, rest []string) error {
	if channel != "tcp" && channel != "http" {
		return fmt.Errorf("%s is no channel", channel)
	}
	if len(rest) > 0 {
		return fmt.Errorf("%s is one argument too many", rest[0])
	}
	for _, address := range []string{settings.Proxy, settings.Listen} {
		if _, _, err := net.SplitHostPort(address); err != nil {
			return fmt.Errorf("%s is no address: write host:port", address)
		}
	}
	for _, target := range settings.Targets {
		if !targetForm.MatchString(target) {
			return fmt.Errorf("%s is no target: write sip:host:port", target)
		}
	}
	return nil
}

// The package flag would explain itself in its own way.
type quiet struct{}

func (quiet) Write(text []byte) (int, error) { return len(text), nil }
