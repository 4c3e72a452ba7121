package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

const longestBody = 1 << 20

// RunHTTP takes the proxy's messages with POST until ctx is done; the answer is in the response.
func RunHTTP(ctx context.Context, settings Settings, biller *Biller) error {
	listener, err := net.Listen("tcp", settings.Listen)
	if err != nil {
		return err
	}
	fmt.Printf("listening on http://%s\n", listener.Addr())
	server := http.Server{
		Handler:           handler{settings, biller},
		ReadHeaderTimeout: 10 * time.Second,
		// Longer than the proxy's heartbeat, so that its connections stay open.
		IdleTimeout: time.Minute,
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	// Takes nothing new; what is in flight is still answered.
	patience, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return server.Shutdown(patience)
}

type handler struct {
	settings Settings
	biller   *Biller
}

func (handler handler) ServeHTTP(response http.ResponseWriter, request *http.Request) {
	status, body := handler.handle(response, request)
	if body == nil {
		response.WriteHeader(status)
		return
	}
	response.Header().Set("Content-Type", "application/json")
	response.WriteHeader(status)
	if err := json.NewEncoder(response).Encode(body); err != nil {
		complain("%v", err) // the proxy went away
	}
}

// The status and the body of the response.
func (handler handler) handle(response http.ResponseWriter, request *http.Request) (int, any) {
	if request.Method != http.MethodPost {
		return http.StatusMethodNotAllowed, nil
	}
	token := handler.settings.Token
	if token != "" && request.Header.Get("Authorization") != "Bearer "+token {
		return http.StatusUnauthorized, nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(response, request.Body, longestBody))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return http.StatusRequestEntityTooLarge, nil
	}
	message, err := parse(body)
	if err != nil {
		complain("not a message: %v", err)
		return http.StatusBadRequest, map[string]string{"message": err.Error()}
	}
	return handler.answer(request.Context(), message)
}

// The context ends when the proxy closes the connection because the caller hung up.
func (handler handler) answer(ctx context.Context, message Message) (int, any) {
	switch message.Type {
	case "route":
		var event Event
		if err := json.Unmarshal(message.Raw, &event); err != nil {
			return http.StatusBadRequest, map[string]string{"message": err.Error()}
		}
		return http.StatusOK, Decide(event, handler.settings.Targets)
	case "call":
		return handler.bill(message), nil
	case "hello":
		fmt.Printf("connected to %s\n", message.Name)
		return http.StatusOK, hello(handler.settings.Name, "")
	case "ping":
		return http.StatusOK, Control{Type: "pong"}
	case "error":
		complain("%s", message.refusal())
	}
	return http.StatusNoContent, nil
}

// 2xx is the ack; after anything else the notification comes again.
func (handler handler) bill(message Message) int {
	var call Call
	err := json.Unmarshal(message.Raw, &call)
	if err == nil {
		err = handler.biller.Bill(call)
	}
	if err != nil {
		complain("not billed: %v", err)
		return http.StatusInternalServerError
	}
	return http.StatusNoContent
}
