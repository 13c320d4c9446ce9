"""The words events are written in: CBV 2.0, the GS1 web vocabulary's sensor terms, and our own.

Rules (CBV 2.0 §7, EPCIS 2.0 §9.5; formats §1 for ours):
- In JSON a standard word is written bare ("shipping"). Its full address is
  `https://ref.gs1.org/cbv/` + the prefix of its kind + the word; the `cbv:` short form means the
  same. Old `urn:epcglobal:cbv:` names are read from XML and in hashes, never accepted in JSON.
- Who needs a word the standard lacks uses an address of their own. Ours are `trace:` + word, with
  `trace` declared as `{id base}/voc/`; the list below is fixed: an unknown one is refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

CBV: Final = "https://ref.gs1.org/cbv/"
GS1: Final = "https://gs1.org/voc/"
CBV_MASTER_DATA: Final = "urn:epcglobal:cbv:mda:"
EPCIS_CONTEXT: Final = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"
OWN_PREFIX: Final = "trace"
OWN_PATH: Final = "/voc/"


@dataclass(frozen=True, slots=True)
class WordList:
    """One kind of word: what it is called in JSON, where its addresses begin, and its words."""

    name: str
    address: str  # full addresses begin so
    short: str  # the short form of the same
    urn: str  # the CBV 1.2 form, "" where there was none
    words: frozenset[str]

    def address_of(self, word: str) -> str:
        return self.address + word

    def bare(self, text: str) -> str:
        """The bare word for any of its forms; any other text unchanged."""
        for start in (self.address, self.short, self.urn):
            if start and text.startswith(start) and text[len(start) :] in self.words:
                return text[len(start) :]
        return text


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _cbv(name: str, kind: str, urn: str, words: str) -> WordList:
    old = f"urn:epcglobal:cbv:{urn}:" if urn else ""
    return WordList(name, f"{CBV}{kind}-", f"cbv:{kind}-", old, _words(words))


BIZ_STEPS: Final = _cbv(
    "bizStep",
    "BizStep",
    "bizstep",
    """accepting arriving assembling collecting commissioning consigning creating_class_instance
    cycle_counting decommissioning departing destroying disassembling dispensing encoding
    entering_exiting holding inspecting installing killing loading other packing picking receiving
    removing repackaging repairing replacing reserving retail_selling sampling sensor_reporting
    shipping staging_outbound stock_taking stocking storing transporting unloading unpacking
    void_shipping""",
)
DISPOSITIONS: Final = _cbv(
    "disposition",
    "Disp",
    "disp",
    """active available completeness_inferred completeness_verified conformant container_closed
    container_open damaged destroyed dispensed disposed encoded expired in_progress in_transit
    inactive mismatch_class mismatch_instance mismatch_quantity needs_replacement no_pedigree_match
    non_conformant non_sellable_other partially_dispensed recalled reserved retail_sold returned
    sellable_accessible sellable_not_accessible stolen unavailable unknown""",
)
BIZ_TRANSACTION_TYPES: Final = _cbv(
    "bizTransactionType",
    "BTT",
    "btt",
    "bol cert desadv inv pedigree po poc prodorder recadv rma testprd testres upevt",
)
SOURCE_DESTINATION_TYPES: Final = _cbv(
    "sourceOrDestinationType", "SDT", "sdt", "location owning_party possessing_party"
)
ERROR_REASONS: Final = _cbv("errorReason", "ER", "er", "did_not_occur incorrect_data")
COMPONENTS: Final = _cbv(
    "component",
    "Comp",
    "",
    """altitude axial_distance azimuth easting elevation_angle height latitude longitude northing
    polar_angle spherical_radius x y z""",
)
MEASUREMENT_TYPES: Final = WordList(
    "measurementType",
    GS1,
    "gs1:",
    "",
    _words(
        """AbsoluteHumidity AbsorbedDose AbsorbedDoseRate Acceleration Altitude
        AmountOfSubstance AmountOfSubstancePerUnitVolume Angle AngularAcceleration
        AngularMomentum AngularVelocity Area Capacitance Conductance Conductivity Count
        Density Dimensionless DoseEquivalent DoseEquivalentRate DynamicViscosity
        ElectricCharge ElectricCurrent ElectricCurrentDensity ElectricFieldStrength Energy
        Exposure Force Frequency Illuminance Inductance Irradiance KinematicViscosity
        Length LinearMomentum Luminance LuminousFlux LuminousIntensity MagneticFlux
        MagneticFluxDensity MagneticVectorPotential Mass MassConcentration MassFlowRate
        MassPerAreaTime MemoryCapacity MolalityOfSolute MolarEnergy MolarMass MolarVolume
        Power Pressure RadiantFlux RadiantIntensity Radioactivity RelativeHumidity
        Resistance Resistivity SolidAngle SpecificVolume Speed SurfaceDensity
        SurfaceTension Temperature Time Torque Voltage Volume VolumeFlowRate
        VolumeFraction VolumetricFlux Wavenumber"""
    ),
)
ALERT_TYPES: Final = WordList(
    "sensorAlertType", GS1, "gs1:", "", frozenset({"ALARM_CONDITION", "ERROR_CONDITION"})
)

VOCABULARY: Final[dict[str, WordList]] = {
    words.name: words
    for words in (
        BIZ_STEPS,
        DISPOSITIONS,
        BIZ_TRANSACTION_TYPES,
        SOURCE_DESTINATION_TYPES,
        ERROR_REASONS,
        COMPONENTS,
        MEASUREMENT_TYPES,
        ALERT_TYPES,
    )
}

ACTIONS: Final = ("ADD", "OBSERVE", "DELETE")

# Prefixes the GS1 context declares for everyone (its head, CBV 2.0 JSON-LD context).
STANDARD_PREFIXES: Final[dict[str, str]] = {
    "epcis": "https://ref.gs1.org/epcis/",
    "cbv": CBV,
    "cbvmda": CBV_MASTER_DATA,
    "gs1": GS1,
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "owl": "http://www.w3.org/2002/07/owl#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "dcterms": "http://purl.org/dc/terms/",
}

# Lists of pairs: what stands beside `type` in each, and the words that the type may be.
PAIRS: Final = {
    "bizTransactionList": ("bizTransaction", BIZ_TRANSACTION_TYPES),
    "sourceList": ("source", SOURCE_DESTINATION_TYPES),
    "destinationList": ("destination", SOURCE_DESTINATION_TYPES),
}

# Steps of farming and of this chain that CBV has no word for.
OWN_STEPS: Final = _words(
    """sowing transplanting irrigating fertilising spraying weeding pruning field_observation
    harvesting processing milling mixing splitting cooling grading washing feeding vaccinating
    egg_collecting recalling refusing answered_by_link closing handing_on taking_over rectifying"""
)

# Written by whoever signs (formats §2), refused in an event that comes in. The members an event
# may carry are in own.py.
SIGNED_MEMBERS: Final = "members"
DECLARED_NONE: Final = ("fertiliser", "pesticide", "irrigation")
RESERVED_NAMES: Final = frozenset({"_sd", "_sd_alg", "..."})


def own_namespace(id_base: str) -> str:
    """What `trace:` stands for under this identifier base."""
    return id_base.rstrip("/") + OWN_PATH


def event_context(id_base: str) -> list[str | dict[str, str]]:
    """The `@context` of events made here: the standard's, and ours."""
    return [EPCIS_CONTEXT, {OWN_PREFIX: own_namespace(id_base)}]


def own_word(word: str) -> str:
    """`trace:` + a step of ours; raises KeyError for a word that is not on the list."""
    if word not in OWN_STEPS:
        raise KeyError(word)
    return f"{OWN_PREFIX}:{word}"


def bare_words(names: Iterable[str]) -> dict[str, frozenset[str]]:
    """The standard's words of the named lists, for those who offer a choice of them."""
    return {name: VOCABULARY[name].words for name in names}
