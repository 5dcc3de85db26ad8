"""Proves a program through a service; learns the protocol from the service by gRPC reflection.

    pip install grpcio grpcio-reflection
    python grpc/client/examples/prove.py 127.0.0.1:7474 program.json input.json proof.json
"""

import hashlib
import sys

import grpc
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

    def call(self, name, request, client_streams=False, server_streams=False):
        method = self.service.methods_by_name[name]
        kinds = {(False, False): "unary_unary", (True, False): "stream_unary", (False, True): "unary_stream"}
        make = getattr(self.channel, kinds[client_streams, server_streams])
        answer = message_factory.GetMessageClass(method.output_type)
        call = make(
            f"/{PACKAGE}.Prover/{name}",
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


def main(server, program, program_input, out):
    with grpc.insecure_channel(server) as channel:
        prover = Prover(channel)
        program = prover.message("ProgramInput")(
            program=prover.upload(program), input=prover.upload(program_input)
        )
        profile = prover.message("NamedProfile")(name="dev", security_bits=30)
        spec = prover.message("JobSpec")(program=program, profile=profile)
        job = prover.call("SubmitJob", prover.message("SubmitJobRequest")(spec=spec)).job
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
    main(*sys.argv[1:])
