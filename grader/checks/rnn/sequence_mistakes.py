"""What is said to the mistakes that students make with the RNN and with the LSTM alike."""

FORWARD_HINTS = {
    "runs in reverse": "The sequence is read from its end. Begin with the first input, and end with the last.",
    "runs in reverse, returned in order": "The sequence is read from its end: a state should know what came before it, "
    "not what comes after.",
    "state not handed on": "Every step begins with h0. Only the first does: each of the others begins with the state "
    "that the step before it has left.",
    "h0 ignored": "The first step begins with zeros, whatever h0 is.",
    "states one step late": "The states are those before each step, h0 first. What is asked for are those after it.",
    "last state at all steps": "All steps have the state of the last one. Is one array changed in place and kept many "
    "times, or written to all places at the end?",
    "last state only": "Only the last hidden state is returned. Those of all steps are asked for, (N, T, H).",
    "time as first axis": "The steps are along the first axis. They belong along the second, as in x: (N, T, ...).",
    "h0 among the states": "There is one state too many: h0 is not the result of a step.",
    "first input at all steps": "All steps read the first input of the sequence.",
    "last input left out": "The last input is not read: there are as many steps as inputs.",
}

BACKWARD_HINTS = {
    "from the output only": "Each step gets the gradient of its own output alone. Its state went into the next step "
    "too, and what comes back from there is missing.",
    "from the next step only": "Only the last step gets its dh; the others get what comes back from the step after "
    "them, and nothing else. Each state also has an effect at its own step.",
    "last step's output only": "Nothing is handed on from step to step, and only the last dh is used.",
    "one step back only": "Gradients get no further than one step back: what a step hands on comes from its own dh "
    "alone, and not from what it was handed itself.",
    "output counted twice": "The gradient of each step's own output is counted twice.",
    "carried gradients pile up": "What is handed back is added to what was handed back before. The gradient of a "
    "state contains all later steps already: replace the old one.",
    "parameters of the first step only": "The gradients of Wx, Wh and b are those of a single step, the first: each "
    "step overwrites those of the step after it. The weights are used at all steps.",
    "parameters of the last step only": "The gradients of Wx, Wh and b are those of the last step alone. The weights "
    "are used at all steps.",
    "parameters averaged over time": "The gradients of the parameters are divided by the number of steps. Where a "
    "number is used several times, its gradients add up.",
    "runs forwards in time": "The loop goes from the first step to the last. A gradient of a state needs that of the "
    "state after it: begin at the end.",
    "dx in reverse": "dx is in reverse order: the gradient of the last input comes first.",
    "time as first axis": "In dx the steps are along the first axis. They belong along the second, as in x.",
    "dh0 before the first step": "dh0 is the gradient of the state after the first step. It has to pass this step too.",
    "dh0 of the last step": "dh0 is taken from the last step. What comes back out of the first one is asked for.",
    "dh0 from the first output only": "dh0 comes from the first output alone. All others depend on h0 too, through the "
    "states between.",
    "dh0 zero": "dh0 is zero, though h0 has an effect: the first step reads it.",
}
