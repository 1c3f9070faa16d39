"""Ready files for a web site of the user's own that prohibit AI training, in every form that some crawler reads."""

from __future__ import annotations

from pathlib import Path

from unlearnable.disk import files

README = """\
FILES THAT SAY: DO NOT TRAIN AI ON THIS

They are for a web site of your own. On Instagram or another platform you cannot use them.

  robots.txt               -> the top of your site; if there is one already, add these lines to it
  ai.txt                   -> the top of your site
  .well-known/tdmrep.json  -> the same path on your site (file managers hide folders that begin with a dot)
  headers/nginx.conf       -> into the server { } block of nginx
  headers/apache.htaccess  -> into the file .htaccess at the top of a site served by Apache, with mod_headers
  headers/netlify.txt      -> into the file _headers at the top of a site on Netlify or Cloudflare Pages
  headers/page.html        -> into the <head> of every page, where you cannot set headers

They hold for the whole site. For a part of it, put its path in place of / and /*.

WHAT THIS IS, AND WHAT IT IS NOT
It is a legal signal: a reservation of rights in a form that machines can read, as Article 4 of the EU directive on
copyright in the digital single market asks for. It stops nobody who does not want to be stopped.
- The crawlers that robots.txt names say that they obey it. Others ignore it.
- The program img2dataset leaves out photos that come with the header X-Robots-Tag: noai.
- The photos themselves carry the same words (XMP plus:DataMining). Platforms often strip them, and no crawler is
  known to honour them.
So: use it beside the noise and the words in your captions, not in place of them.
"""

ROBOTS = """\
# Crawlers that collect for AI training, by the names under which they say that they obey this file
User-agent: GPTBot
User-agent: ClaudeBot
User-agent: Google-Extended
User-agent: Applebot-Extended
User-agent: meta-externalagent
User-agent: Amazonbot
User-agent: Bytespider
User-agent: CCBot
Disallow: /

# All others may read, and search engines may list, but nobody may train: IETF AI Preferences (draft), Cloudflare
User-agent: *
Content-Usage: train-ai=n
Content-Signal: ai-train=no
Allow: /
"""

AI = """\
# Spawning: nothing on this site may be used to train AI
User-Agent: *
Disallow: /
"""

TDMREP = '[{"location": "/*", "tdm-reservation": 1}]\n'

NGINX = """\
# A location { } with an add_header of its own drops these: repeat them there.
add_header TDM-Reservation "1" always;
add_header X-Robots-Tag "noai, noimageai" always;
add_header Content-Usage "train-ai=n" always;
"""

APACHE = """\
<IfModule mod_headers.c>
  Header always set TDM-Reservation "1"
  Header always set X-Robots-Tag "noai, noimageai"
  Header always set Content-Usage "train-ai=n"
</IfModule>
"""

NETLIFY = """\
/*
  TDM-Reservation: 1
  X-Robots-Tag: noai, noimageai
  Content-Usage: train-ai=n
"""

PAGE = """\
<meta name="tdm-reservation" content="1">
<meta name="robots" content="noai, noimageai">
"""

SITE_FILES = {
    "README.txt": README,
    "robots.txt": ROBOTS,
    "ai.txt": AI,
    ".well-known/tdmrep.json": TDMREP,
    "headers/nginx.conf": NGINX,
    "headers/apache.htaccess": APACHE,
    "headers/netlify.txt": NETLIFY,
    "headers/page.html": PAGE,
}
"""Text of each file by its path.

Sources: robots.txt, RFC 9309, draft-ietf-aipref-attach and contentsignals.org; ai.txt, spawning.ai; tdmrep.json and
its header, TDM Reservation Protocol (W3C community group report, 2024); noai, DeviantArt.
"""


def write_site_files(folder: Path) -> None:
    """Write `SITE_FILES` below a folder.

    Raises:
        OutputError: a file cannot be written.
    """
    for name, text in SITE_FILES.items():
        files.write_text(folder / name, text)
