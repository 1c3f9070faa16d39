"""The names under which posts hold their photo, their caption and their split."""

from __future__ import annotations

from dataclasses import dataclass

SPLIT = "split"


@dataclass(frozen=True)
class Keys:
    """Names of fields, case-folded, the preferred one first: the first field that is not blank is used."""

    photo: tuple[str, ...]
    caption: tuple[str, ...]

    @property
    def all(self) -> frozenset[str]:
        """Every field that a reader looks at."""
        return frozenset((*self.photo, *self.caption, SPLIT))


POSTS = Keys(  # in English, German, French, Spanish, Italian, Portuguese and Dutch
    photo=(
        *("image", "file_name", "filepath", "path", "file", "img", "uri", "filename", "image_path", "image_name"),
        *("photo", "file name", "sourcefile", "dateiname", "dateipfad", "datei", "bilddatei", "bild", "foto"),
        *("fichier", "nom du fichier", "nom de fichier", "nom_fichier", "archivo", "nombre de archivo"),
        *("nombre_archivo", "fichero", "imagen", "fotografía", "nome file", "nome del file", "nome_file", "immagine"),
        *("arquivo", "nome do arquivo", "ficheiro", "imagem", "bestand", "bestandsnaam", "afbeelding"),
    ),
    caption=(
        *("caption", "captions", "text", "sentences", "description", "imagedescription", "caption-abstract"),
        *("beschreibung", "bildbeschreibung", "bildunterschrift", "bildtext", "légende", "legende", "texte"),
        *("descripción", "descripcion", "leyenda", "texto", "pie de foto", "descrizione", "didascalia", "testo"),
        *("descrição", "descricao", "legenda", "beschrijving", "bijschrift", "onderschrift", "tekst"),
        *("prompt", "alt_text", "alt-text", "alt text", "alttext", "alt"),
        *("title", "titel", "titre", "título", "titulo", "titolo"),  # often the name of the file
        *("comment", "kommentar", "commentaire"),  # or of the program
    ),
)
