package command

// A State is a step in a container's life.
type State int32

// The states, with LXC's numbers. A monitor that is told Thawed is Running.
const (
	Stopped State = iota
	Starting
	Running
	Stopping
	Aborting
	Freezing
	Frozen
	Thawed
	MaxState // how many there are; in answer to ADD_STATE_CLIENT: none yet, wait
)

var stateNames = []string{"STOPPED", "STARTING", "RUNNING", "STOPPING", "ABORTING", "FREEZING", "FROZEN", "THAWED"}

// String gives the upper-case name, UNKNOWN for a number that is none.
func (s State) String() string {
	if s < 0 || s >= MaxState {
		return "UNKNOWN"
	}
	return stateNames[s]
}
