package command

// MessageSize is that of an encoded Message.
const MessageSize = 264

// A MessageType says what a Message tells.
type MessageType int32

// The types of messages.
const (
	StateMessage    MessageType = 0 // Value is a State
	PriorityMessage MessageType = 1
	ExitMessage     MessageType = 2 // Value is a wait status
)

// A Message is lxc_msg: what a state client gets on its kept connection, and
// what monitors write to lxc-monitord's fifo.
type Message struct {
	Type  MessageType
	Name  string // of the container; 255 bytes at most
	Value int32
}

// Append adds the message's 264 bytes to b.
func (m Message) Append(b []byte) []byte {
	var raw [MessageSize]byte
	put32(raw[:], 0, int32(m.Type))
	putText(raw[4:260], m.Name)
	put32(raw[:], 260, m.Value)
	return append(b, raw[:]...)
}

// ParseMessage reads a message.
func ParseMessage(b []byte) (Message, error) {
	if len(b) != MessageSize {
		return Message{}, ErrMalformed
	}
	return Message{Type: MessageType(get32(b, 0)), Name: getText(b[4:260]), Value: get32(b, 260)}, nil
}
