// The engine and its C interface as one file to compile.

#include "../engine/cascade.cpp"
#include "../engine/cell.cpp"
#include "../engine/control.cpp"
#include "../engine/engine.cpp"
#include "../engine/fold.cpp"
#include "../engine/image.cpp"
#include "../engine/join.cpp"
#include "../engine/recurrent.cpp"
#include "../engine/wavenet.cpp"
#include "ampsweep.cpp"
