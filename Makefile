# The only front door. `make` alone lists the targets; each has one line of help behind "##".
# Settings, as in `make run FILE=doc.xml`: see the help lines.

PYTHON ?= python3
ENV := build/env
# The import roots are written once, in pyproject.toml.
ROOTS := $(shell $(PYTHON) requirements/roots.py)
$(if $(ROOTS),,$(error Verger needs Python 3.11, 3.12 or 3.13 as python3, or PYTHON=path))
export PYTHONPATH := $(ROOTS)
export MYPYPATH := $(ROOTS)
export SAM_CLI_TELEMETRY := 0
export ORT_DISABLE_TELEMETRY := 1
export TF_CPP_MIN_LOG_LEVEL := 3

BUNDLE := models/demo/bundle
PORT ?= 8000
FORM ?= text
BASE ?= auto
# In `make model` MODEL is an HDF5 file, elsewhere a bundle.
MODEL ?= $(BUNDLE)
# The demo has signals; another bundle has its golden input.
FILE ?= $(if $(filter $(BUNDLE),$(MODEL)),models/demo,$(MODEL))/sample.xml
URL ?= http://localhost:$(PORT)
STAGE ?= default
# What make cost takes; the module says what each is.
COST := MATRICES_PER_DAY BATCH BYTES_PER_MATRIX MS_PER_MATRIX MEMORY_MB PROVISIONED INPUT_DAYS \
        RESULT_DAYS LOG_DAYS COLD_PERCENT POLLS TRACING FREE_TIER EUR_PER_USD REGION
# A bundle whose passport names TensorFlow needs the environment, and the image, that have it.
NEEDS := $(shell grep -qs '"engine": "tensorflow"' '$(MODEL)/passport.json' && echo tensorflow)
RUN := $(ENV)/run$(if $(NEEDS),-tensorflow)
SPARK := $(ENV)/spark/bin/python
# Without photographs of your own some are drawn, which need no trained weights.
ORCHARD := build/fruits/orchard
WEIGHTS ?= $(if $(IMAGES),imagenet,random:7)
IMAGE := $(if $(NEEDS),tensorflow,fast)

# Before an environment is installed for nothing.
ifneq (,$(filter model,$(MAKECMDGOALS)))
$(if $(filter file,$(origin MODEL)),$(error MODEL=path.h5 is missing))
endif
ifneq (,$(filter send,$(MAKECMDGOALS)))
$(if $(or $(FETCH),$(filter-out file,$(origin FILE))),,$(error FILE=doc.xml, or FETCH=id, is missing))
endif
ifneq (,$(filter convert,$(MAKECMDGOALS)))
$(if $(and $(OUT),$(filter-out file,$(origin FILE))),,$(error FILE=in.npz and OUT=out.xml are needed))
endif

ifneq (,$(filter score,$(MAKECMDGOALS)))
$(if $(and $(DOCUMENTS),$(OUT)),,$(error DOCUMENTS=folder and OUT=folder are needed))
endif

.DEFAULT_GOAL := help
.PHONY: help run serve send local model demo convert test test-container chaos fuzz lint format bench \
        docs image engine-stop validate preflight deploy roll-back redrive cost sbom audit lock clean \
        fruits fruits-scaling fruits-archive fruits-submit score

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(RUN)/.ready ## Predict a document under the Lambda emulator [MODEL=bundle] [FILE=doc.xml].
	@$(RUN)/bin/python -m local.run '$(FILE)' --bundle '$(MODEL)'

serve: $(RUN)/.ready $(ENV)/aws/.ready ## Serve over plain HTTP, with a stand-in for S3 [MODEL=bundle] [PORT=8000].
	@$(RUN)/bin/python -m local.serve --bundle '$(MODEL)' --port '$(PORT)'

send: ## Upload a document of any size, wait, and print its predictions: FILE=doc.xml or FETCH=id [OUT=result.json] [URL=http://localhost:8000].
	@$(PYTHON) -m client $(if $(FETCH),--fetch '$(FETCH)','$(FILE)') --url '$(URL)' $(if $(OUT),--out '$(OUT)')

local: $(ENV)/sam/.ready $(ENV)/aws/.ready ## Build the image and serve it with sam local start-api [MODEL=bundle] [PORT=8000] [BASE=image].
	@$(ENV)/sam/bin/python -m local.api --base '$(BASE)' --bundle '$(MODEL)' --target $(IMAGE) --port '$(PORT)'

model: $(ENV)/model/.ready ## Build a bundle from a Keras HDF5 file: MODEL=path.h5 [NAME=name] [VERSION=v] [SAMPLE=x.npz] [TOLERANCE=1e-5] [TRUST_CODE=1].
	$(if $(filter-out 0 1,$(TRUST_CODE)),$(error TRUST_CODE is $(TRUST_CODE): expected 1 or nothing))
	@$(ENV)/model/bin/python -m compiler '$(MODEL)' --name='$(NAME)' --version='$(VERSION)' \
	  $(if $(SAMPLE),--sample='$(SAMPLE)') $(if $(TOLERANCE),--tolerance='$(TOLERANCE)') $(if $(filter 1,$(TRUST_CODE)),--trust-code)

convert: $(ENV)/run/.ready ## Convert npz or npy to XML, or back: FILE=in.npz OUT=out.xml [FORM=text|values].
	@$(ENV)/run/bin/python -m serving.documents.convert '$(FILE)' '$(OUT)' --form='$(FORM)'

demo: $(ENV)/model/.ready ## Train the demo model again, with its bundle and sample.
	$(ENV)/model/bin/python -m demo.train

test: $(addprefix $(ENV)/,$(addsuffix /.ready,test aws clients run schemathesis supply)) ## Run every test that needs no container.
	$(ENV)/test/bin/python -m pytest --ignore tests/container

test-container: $(ENV)/test/.ready $(ENV)/sam/.ready $(ENV)/clients/.ready $(ENV)/supply/.ready ## Build the image and test it in containers and through sam local.
	$(ENV)/test/bin/python -m pytest tests/container

chaos: $(ENV)/test/.ready ## Kill, break and repeat what can be; prints the counts, writes docs/chaos.md [SEED=1].
	$(ENV)/test/bin/python -m tests.chaos $(if $(SEED),--seed '$(SEED)')

fuzz: $(ENV)/fuzz/.ready ## Compare 100,000 documents, then send what nobody sends [SECONDS=60] [TARGET=v2|xml|events|parsers] [SEED=n] [REPLAY=file].
	@$(ENV)/fuzz/bin/python -m tests.fuzz $(if $(SECONDS),--seconds '$(SECONDS)') \
	  $(if $(TARGET),--target '$(TARGET)') $(if $(SEED),--seed '$(SEED)') $(if $(REPLAY),--replay '$(REPLAY)')

fruits: $(ENV)/spark/.ready ## Features and principal components of photographs, on Spark [IMAGES=folder] [OUT=build/fruits/out] [NETWORK=mobilenet_v2|resnet50] [WEIGHTS=imagenet|random|path.h5|bundle] [SIZE=100] [K=n|VARIANCE=0.8|ELBOW=1] [MOST=200] [STRIP_EXIF=1] [BUDGET=euros].
	@$(if $(IMAGES),,$(SPARK) -m drawing '$(ORCHARD)' --classes 20 --images 2000)
	@$(SPARK) jobs/main.py fruits --images '$(or $(IMAGES),$(ORCHARD))' --out '$(or $(OUT),build/fruits/out)' \
	  --weights '$(WEIGHTS)' $(if $(NETWORK),--model '$(NETWORK)') $(if $(SIZE),--size '$(SIZE)') \
	  $(if $(K),--components '$(K)') $(if $(VARIANCE),--variance '$(VARIANCE)') $(if $(ELBOW),--elbow) \
	  $(if $(MOST),--most-components '$(MOST)') $(if $(STRIP_EXIF),--strip-exif) $(if $(BUDGET),--budget-eur '$(BUDGET)')

fruits-scaling: $(ENV)/test/.ready ## Measure how the job grows with images and cores; writes docs/fruits-scaling.md [SIZES=300,600] [CORES=1,2] [REPEATS=3].
	$(ENV)/test/bin/python -m bench.scaling $(if $(SIZES),--sizes '$(SIZES)') $(if $(CORES),--cores '$(CORES)') $(if $(REPEATS),--repeats '$(REPEATS)')

fruits-archive: $(ENV)/spark/.ready ## Pack packages and code for EMR Serverless into build/spark [CLEAN=1].
	@$(SPARK) -m emr.archive $(if $(CLEAN),--clean)

fruits-submit: $(ENV)/spark/.ready ## Check, estimate, upload, start and follow a job on EMR Serverless: IMAGES=s3://… OUT=s3://… [STACK=verger-jobs] [REGION=eu-west-3] [NETWORK=…] [WEIGHTS=…] [SIZE=100] [K=n] [BUDGET=10] [WORKERS=n] [DRY_RUN=1] | FOLLOW=job | CANCEL=job.
	@$(SPARK) -m emr.submit $(if $(STACK),--stack '$(STACK)') $(if $(REGION),--region '$(REGION)') \
	  $(if $(IMAGES),--images '$(IMAGES)') $(if $(OUT),--out '$(OUT)') $(if $(NETWORK),--model '$(NETWORK)') \
	  $(if $(IMAGES),--weights '$(WEIGHTS)') $(if $(SIZE),--size '$(SIZE)') $(if $(BUDGET),--budget-eur '$(BUDGET)') \
	  $(if $(WORKERS),--workers '$(WORKERS)') $(if $(DRY_RUN),--dry-run) $(if $(FOLLOW),--follow '$(FOLLOW)') \
	  $(if $(CANCEL),--cancel '$(CANCEL)') $(if $(K),-- --components '$(K)')

score: $(ENV)/spark/.ready ## Predict many documents, on Spark: DOCUMENTS=folder OUT=folder [MODEL=bundle].
	@$(SPARK) jobs/main.py score --documents '$(DOCUMENTS)' --out '$(OUT)' --bundle '$(MODEL)'

lint: $(ENV)/test/.ready ## Check format, lint and types.
	$(ENV)/test/bin/ruff format --check .
	$(ENV)/test/bin/ruff check .
	$(ENV)/test/bin/mypy

format: $(ENV)/test/.ready ## Format, and fix what can be fixed.
	$(ENV)/test/bin/ruff format .
	$(ENV)/test/bin/ruff check --fix .

bench: $(ENV)/test/.ready $(ENV)/bench/.ready $(ENV)/bench-kserve/.ready ## Measure, beside what it is compared to; writes docs/performance.md [ONLY=group].
	$(ENV)/test/bin/python -m bench $(if $(ONLY),--only '$(ONLY)')

docs: $(ENV)/test/.ready ## Write the generated tables of docs/ again.
	$(ENV)/test/bin/python -m tests.tables
	$(PYTHON) -m local.cost_page

image: ## Build the function's image with the engine's own command [MODEL=bundle] [BASE=image].
	@$(PYTHON) -m local.image --base '$(BASE)' --bundle '$(MODEL)' --target $(IMAGE)

engine-stop: ## End the container engine that a target started.
	@$(PYTHON) -m local.engine --stop

validate: $(ENV)/sam/.ready ## Validate the templates, offline.
	$(ENV)/sam/bin/sam validate --lint --region eu-west-3
	$(ENV)/sam/bin/sam validate --lint --region eu-west-3 -t jobs/template.yaml

preflight: $(ENV)/aws/.ready $(ENV)/run/.ready ## Check the account, its limits, the parameters and this machine before a deployment [MODEL=bundle] [STAGE=default|dev|prod].
	@$(ENV)/aws/bin/python -m local.preflight --stage '$(STAGE)' --bundle '$(MODEL)'

deploy: $(ENV)/sam/.ready ## Build the image and deploy it [MODEL=bundle] [STAGE=default|dev|prod, or yours] [BASE=image]; needs AWS credentials.
	$(if $(shell grep -s '^\[$(STAGE)\.' samconfig.toml),,$(error STAGE is $(STAGE): samconfig.toml has none of that name))
	@$(ENV)/sam/bin/python -m local.api --build-only --base '$(BASE)' --bundle '$(MODEL)' --target $(IMAGE)
	$(ENV)/sam/bin/sam deploy --config-env $(STAGE)

roll-back: $(ENV)/aws/.ready ## List the versions, or let one serve again [STAGE=default|dev|prod] [PREDICT_VERSION=n] [BATCH_VERSION=n]; needs AWS credentials.
	@$(ENV)/aws/bin/python -m local.roll_back --stage '$(STAGE)' \
	  $(if $(PREDICT_VERSION),--predict '$(PREDICT_VERSION)') $(if $(BATCH_VERSION),--batch '$(BATCH_VERSION)')

redrive: $(ENV)/aws/.ready ## Bring back what was set aside, once its cause is mended [STAGE=default|dev|prod] [LOOK=1: only list]; needs AWS credentials.
	@$(ENV)/aws/bin/python -m local.redrive --stage '$(STAGE)' $(if $(LOOK),--look)

cost: ## Calculate a month on AWS: MATRICES_PER_DAY=n [BATCH=32] [PROVISIONED=1] [MEMORY_MB=6144] [REGION=eu-west-3].
	@$(PYTHON) -m local.cost $(foreach name,$(COST),'$(name)=$($(name))') 'FORM=$(if $(filter-out file,$(origin FORM)),$(FORM))'

sbom: $(ENV)/supply/.ready ## Write what the image is made of to build/sbom.json [MODEL=bundle].
	@$(ENV)/supply/bin/python -m local.sbom --bundle '$(MODEL)' --target $(IMAGE)

audit: $(ENV)/supply/.ready ## Ask what is known against the packages that are deployed; writes build/audit.json.
	@$(ENV)/supply/bin/python -m local.audit

lock: ## Resolve the dependencies again into requirements/ (hashed, without index addresses).
	@PYTHON=$(PYTHON) ENV=$(ENV) sh requirements/lock.sh

clean: engine-stop ## Remove environments, wheels and images' build folders.
	rm -rf build

# One environment a lock file. The lock is complete, so pip resolves nothing (--no-deps): tf-keras
# asks for the package tensorflow, and gets the same library from tensorflow-cpu. Where there is a
# Java, Spark's classes are archived beside it, and sessions start in little more than half the time.
$(ENV)/%/.ready: requirements/%.txt requirements/emulator.txt
	@echo "installing requirements/$*.txt into $(ENV)/$*" >&2
	@test -x $(ENV)/$*/bin/python || $(PYTHON) -m venv $(ENV)/$*
	@$(ENV)/$*/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
	  -r $< $(if $(filter run% test,$*),-r requirements/emulator.txt) >&2
	@$(if $(filter spark test,$*),echo "archiving Spark's classes beside it (half a minute, once)" >&2; \
	  $(ENV)/$*/bin/python -m cluster.classes)
	@touch $@
.SECONDARY:
