// The plugin and the engine as one file to compile.

#include "../host/all.cpp"
#include "plugin.cpp"
