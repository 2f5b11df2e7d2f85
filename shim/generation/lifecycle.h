/* SPDX-License-Identifier: MIT */
/* Owns the life of a generation, as a table: for each state and event it has the action and the
 * next state. It is pure: no process, clock or descriptor. The controller feeds it events and
 * carries out the actions. */
#ifndef OCTOPUS_LIFECYCLE_H
#define OCTOPUS_LIFECYCLE_H

enum life_state {
	LIFE_SERVING,     /* the normal state */
	LIFE_STARTING,    /* a candidate starts; this generation serves as before */
	LIFE_LAME_DUCK,   /* a stop signal came; still accepting, so that load balancers notice */
	LIFE_HANDED_OVER, /* the successor has the listeners; the drain has begun */
	LIFE_DRAINING,    /* the drain of a stop, or of a hand-over after one more stop signal */
	LIFE_STOPPING,    /* the server has received its stop signal */
	LIFE_STATES
};

enum life_event {
	EVENT_REPLACE,          /* a signal: start a successor and leave */
	EVENT_FORK,             /* a signal: start a successor and stay */
	EVENT_STOP,             /* a signal: drain and leave */
	EVENT_READY_TO_REPLACE, /* the successor is ready, and this generation leaves */
	EVENT_READY_BESIDE,     /* the successor is ready, and this generation stays */
	EVENT_FAILED,           /* the successor died, or could not be executed */
	EVENT_TIMED_OUT,        /* the deadline of the present state has passed */
	EVENT_DRAINED,          /* no accepted connection is left */
	LIFE_EVENTS
};

enum life_action {
	ACTION_NONE,
	ACTION_IMPOSSIBLE, /* the event cannot come in this state: nothing is done */
	ACTION_START_SUCCESSOR,
	ACTION_REFUSE,      /* log that the state allows no upgrade */
	ACTION_STAY_BESIDE, /* accept the candidate, and log that this generation still serves */
	ACTION_ROLL_BACK,   /* clear away a dead candidate */
	ACTION_GIVE_UP_WAITING,  /* clear away a candidate that is not ready in time */
	ACTION_CANCEL_AND_LEAVE, /* stop the candidate, then as ACTION_BE_LAME_DUCK */
	ACTION_BE_LAME_DUCK,
	ACTION_HAND_OVER,
	ACTION_TAKE_BACK, /* the successor died while this generation still accepts: serve on */
	ACTION_DRAIN,
	ACTION_STOP_SERVER, /* send the server its stop signal */
	ACTION_KILL_SERVER,
};

struct life_step {
	enum life_state next;
	enum life_action action;
};

/* Returns the action and the next state for EVENT in STATE. Context: any. */
struct life_step lifecycle_step(enum life_state state, enum life_event event);

/* Returns the name of STATE for the log and the status: "serving". Context: any. */
const char *lifecycle_state_name(enum life_state state);

#endif
