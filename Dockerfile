# One image with everything: Snakemake, what the scripts import, the workflow. In the folder of this file:
#   docker build -t decidua .
# then, in a folder of your own (your config.yaml and tables, or nothing for the published studies):
#   docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/work" decidua
# What stands after the image's name goes to Snakemake: `decidua -n`, `decidua --cores 2 statistics`.
FROM python:3.11-slim

# The packages first: a change of the workflow alone does not install them anew.
COPY requirements.lock /opt/decidua/
RUN pip install --no-cache-dir --require-hashes --requirement /opt/decidua/requirements.lock

COPY Snakefile config.yaml /opt/decidua/
COPY envs /opt/decidua/envs
COPY profiles /opt/decidua/profiles
COPY workflow /opt/decidua/workflow
# Compiled once: who runs the image cannot write here.
RUN python -m compileall -q /opt/decidua/workflow/scripts

# A home that any user may write to, and a name for a user that the image does not know.
ENV HOME=/tmp USER=decidua
WORKDIR /work
ENTRYPOINT ["snakemake", "--snakefile", "/opt/decidua/Snakefile"]
