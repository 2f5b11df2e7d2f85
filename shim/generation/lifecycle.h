/* SPDX-License-Identifier: MIT */
/* The life of a generation as a table: in this state, on that event, do this and go there. Pure: no
 * process, no clock, no descriptor; the controller feeds it events and carries the actions out. */
#ifndef OCTOPUS_LIFECYCLE_H
#define OCTOPUS_LIFECYCLE_H

enum life_state {
	LIFE_SERVING,     /* the long one */
	LIFE_STARTING,    /* a successor is being born; this one serves on, untouched */
	LIFE_LAME_DUCK,   /* a stop was asked for; still accepting so that load balancers notice */
	LIFE_HANDED_OVER, /* the successor has the listeners; this one finishes what it accepted */
	LIFE_DRAINING,    /* nobody takes over; the queue is served, then the connections finish */
	LIFE_STOPPING,    /* the server has got its own stop signal */
	LIFE_STATES
};

enum life_event {
	EVENT_REPLACE,          /* a signal: start a successor and leave */
	EVENT_FORK,             /* a signal: start a successor and stay */
	EVENT_STOP,             /* a signal: drain and leave */
	EVENT_READY_TO_REPLACE, /* the successor serves, and this one is to go */
	EVENT_READY_BESIDE,     /* the successor serves, and this one is to stay */
	EVENT_FAILED,           /* the successor died, or could not be executed */
	EVENT_TIMED_OUT,        /* the time of the present state is over */
	EVENT_DRAINED,          /* nothing that was accepted is left */
	LIFE_EVENTS
};

enum life_action {
	ACTION_NONE,
	ACTION_IMPOSSIBLE, /* the event cannot come in this state: nothing is done */
	ACTION_START_SUCCESSOR,
	ACTION_REFUSE,           /* say that one thing at a time is done */
	ACTION_STAY_BESIDE,      /* say that this one is still alive */
	ACTION_ROLL_BACK,        /* clear a dead successor away */
	ACTION_GIVE_UP_WAITING,  /* clear a hanging successor away */
	ACTION_CANCEL_AND_LEAVE, /* clear the successor away, then as ACTION_BE_LAME_DUCK */
	ACTION_BE_LAME_DUCK,
	ACTION_HAND_OVER,
	ACTION_TAKE_BACK, /* the successor died while this one still accepts: serve on */
	ACTION_DRAIN,
	ACTION_STOP_SERVER, /* hand the server its own stop signal */
	ACTION_KILL_SERVER,
};

struct life_step {
	enum life_state next;
	enum life_action action;
};

/* The whole machine. Context: any. */
struct life_step lifecycle_step(enum life_state state, enum life_event event);

/* For the log and for status: "serving". Context: any. */
const char *lifecycle_state_name(enum life_state state);

#endif
