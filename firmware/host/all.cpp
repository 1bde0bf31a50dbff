// The engine and its C interface as one file to compile.

#include "../engine/cell.cpp"
#include "../engine/control.cpp"
#include "../engine/engine.cpp"
#include "../engine/fold.cpp"
#include "../engine/image.cpp"
#include "../engine/recurrent.cpp"
#include "../engine/wavenet.cpp"
#include "ampsweep.cpp"
