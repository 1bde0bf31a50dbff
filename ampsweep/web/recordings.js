// Audio files, decoded and looked at before anything plays them.

const LARGEST = 512 * 2 ** 20; // bytes
const LONGEST = 30 * 60; // seconds

// The mono audio of a file at the context's sample rate; throws a sentence if it cannot be played.
export async function decoded(context, file) {
  if (file.size > LARGEST)
    throw new Error(`${file.name} is larger than 512 MB; cut it, then drop it again.`);
  let audio;
  try {
    audio = await context.decodeAudioData(await file.arrayBuffer());
  } catch {
    throw new Error(
      `${file.name} is not audio that this browser can read; drop a WAV, FLAC or MP3 file.`,
    );
  }
  if (audio.duration > LONGEST)
    throw new Error(`${file.name} is longer than 30 minutes; cut it, then drop it again.`);
  const mono = new Float32Array(audio.length);
  for (let channel = 0; channel < audio.numberOfChannels; ++channel) {
    const samples = audio.getChannelData(channel);
    for (let i = 0; i < mono.length; ++i) mono[i] += samples[i] / audio.numberOfChannels;
  }
  if (!mono.every(Number.isFinite)) {
    throw new Error(
      `${file.name} holds samples that are not numbers; export it again, then drop it.`,
    );
  }
  if (!mono.some(Boolean)) throw new Error(`${file.name} is silent; drop another file.`);
  return mono;
}

export function toBuffer(context, mono) {
  const buffer = context.createBuffer(1, mono.length, context.sampleRate);
  buffer.copyToChannel(mono, 0);
  return buffer;
}
