"""Proves a program through a service; learns the protocol from the service by gRPC reflection.

    pip install grpcio grpcio-reflection
    python grpc/client/examples/prove.py 127.0.0.1:7474 program.json input.json proof.json [--key client.key]

With --key it signs the job. A service that admits known keys alone wants a session first, for reflection too:
docs/protocol.md, "Signed jobs".
"""

import argparse
import hashlib

import grpc
from envelope import envelope
from google.protobuf import message_factory
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

PACKAGE = "quarry.prover.v1"
CHUNK = 1 << 18


class Prover:
    """A client that calls the service's methods by name."""

    def __init__(self, channel):
        self.channel = channel
        self.pool = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
        self.service = self.pool.FindServiceByName(f"{PACKAGE}.Prover")

    def message(self, name):
        return message_factory.GetMessageClass(self.pool.FindMessageTypeByName(f"{PACKAGE}.{name}"))

    def call(self, name, request, client_streams=False, server_streams=False, service=None):
        method = (service or self.service).methods_by_name[name]
        kinds = {(False, False): "unary_unary", (True, False): "stream_unary", (False, True): "unary_stream"}
        make = getattr(self.channel, kinds[client_streams, server_streams])
        answer = message_factory.GetMessageClass(method.output_type)
        call = make(
            f"/{method.containing_service.full_name}/{name}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=answer.FromString,
        )
        return call(request)

    def upload(self, path):
        with open(path, "rb") as file:
            data = file.read()
        artifact = self.message("ArtifactRef")(sha256=hashlib.sha256(data).hexdigest(), size=len(data))
        part = self.message("UploadArtifactRequest")
        header = self.message("UploadHeader")(artifact=artifact)
        chunks = (part(chunk=data[at : at + CHUNK]) for at in range(0, len(data), CHUNK))
        parts = (each for source in ([part(header=header)], chunks) for each in source)
        status = self.call("UploadArtifact", parts, client_streams=True)
        assert status.complete, status
        return artifact

    def submission(self, spec, key):
        """The request for a job; with the text of a secret key, the job is signed, for this service alone."""
        request = self.message("SubmitJobRequest")
        if key is None:
            return request(spec=spec)
        sessions = self.pool.FindServiceByName(f"{PACKAGE}.Sessions")
        signing = self.call("GetSigning", self.message("GetSigningRequest")(), service=sessions)
        payload = spec.SerializeToString()
        return request(envelope=envelope(key, "job", signing.network, payload, audience=signing.public_key))


def main(server, program, program_input, out, key=None):
    with grpc.insecure_channel(server) as channel:
        prover = Prover(channel)
        program = prover.message("ProgramInput")(
            program=prover.upload(program), input=prover.upload(program_input)
        )
        profile = prover.message("NamedProfile")(name="dev", security_bits=30)
        spec = prover.message("JobSpec")(program=program, profile=profile)
        job = prover.call("SubmitJob", prover.submission(spec, key)).job
        states = prover.service.file.enum_types_by_name["JobState"].values_by_number
        watch = prover.message("WatchJobsRequest")(job_id=job.id)
        for event in prover.call("WatchJobs", watch, server_streams=True):
            print(states[event.state].name, event.stage)
        result = prover.call("GetResult", prover.message("GetResultRequest")(id=job.id))
        request = prover.message("DownloadArtifactRequest")(sha256=result.proof.sha256)
        chunks = prover.call("DownloadArtifact", request, server_streams=True)
        data = b"".join(chunk.data for chunk in chunks)
        assert hashlib.sha256(data).hexdigest() == result.proof.sha256
        with open(out, "wb") as file:
            file.write(data)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Prove a program through a service.")
    for name in ("server", "program", "input", "out"):
        parser.add_argument(name)
    parser.add_argument("--key", help="file with the secret key that signs the job, as `quarry key new` writes it")
    arguments = parser.parse_args()
    secret_key = None
    if arguments.key:
        with open(arguments.key) as file:
            secret_key = file.read().strip()
    main(arguments.server, arguments.program, arguments.input, arguments.out, secret_key)
