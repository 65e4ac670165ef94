package guest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"time"
)

// A qmp is a connection to QEMU's monitor (QEMU Machine Protocol).
type qmp struct {
	conn net.Conn
	in   *json.Decoder
}

// greet takes QEMU's greeting and switches to commands.
func greet(conn net.Conn) (*qmp, error) {
	q := &qmp{conn, json.NewDecoder(conn)}
	var hello any
	if err := q.in.Decode(&hello); err != nil {
		return nil, err
	}
	return q, q.call("qmp_capabilities", nil, nil)
}

// call executes a command and takes its answer; events in between are passed over.
func (q *qmp) call(command string, arguments any, result any) error {
	request := map[string]any{"execute": command}
	if arguments != nil {
		request["arguments"] = arguments
	}
	if err := json.NewEncoder(q.conn).Encode(request); err != nil {
		return err
	}
	for {
		var answer struct {
			Return json.RawMessage
			Error  *struct{ Desc string }
		}
		if err := q.in.Decode(&answer); err != nil {
			return err
		}
		switch {
		case answer.Error != nil:
			return fmt.Errorf("qemu: %s: %s", command, answer.Error.Desc)
		case answer.Return == nil:
			continue
		case result == nil:
			return nil
		}
		return json.Unmarshal(answer.Return, result)
	}
}

// memoryApart leaves the memory, which has a file of its own, out of the state.
func (q *qmp) memoryApart() error {
	on := map[string]any{"capabilities": []any{map[string]any{"capability": "x-ignore-shared", "state": true}}}
	return q.call("migrate-set-capabilities", on, nil)
}

// load goes on from a state; save writes one.
func (q *qmp) load(file string) error {
	if err := q.memoryApart(); err != nil {
		return err
	}
	return q.call("migrate-incoming", map[string]any{"uri": "exec:cat '" + file + "'"}, nil)
}

func (q *qmp) save(file string) error {
	if err := q.memoryApart(); err != nil {
		return err
	}
	// A machine that is stopped first would be stopped when it is loaded.
	if err := q.call("migrate", map[string]any{"uri": "exec:cat >'" + file + "'"}, nil); err != nil {
		return err
	}
	for end := time.Now().Add(5 * time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		var info struct {
			Status string
			Desc   string `json:"error-desc"`
		}
		if err := q.call("query-migrate", nil, &info); err != nil {
			return err
		}
		switch info.Status {
		case "completed":
			return nil
		case "failed", "cancelled":
			return errors.New("qemu: the state cannot be saved: " + info.Desc)
		}
	}
	return errors.New("qemu: the state is not saved within five minutes")
}
