BEGIN TRANSACTION;
CREATE TABLE adapters (
        id INTEGER PRIMARY KEY, player_id INTEGER NOT NULL REFERENCES players(id) ON DELETE CASCADE,
        made_s REAL NOT NULL, version INTEGER NOT NULL, path TEXT NOT NULL, scores TEXT NOT NULL,
        active INTEGER NOT NULL DEFAULT 0);
CREATE TABLE directions (
        id INTEGER PRIMARY KEY, session_id INTEGER NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
        said_s REAL NOT NULL, sentence TEXT NOT NULL, edits TEXT NOT NULL, revoked_s REAL);
INSERT INTO "directions" VALUES(1,1,1790000060.0,'7/8 in bar three','[{"target": "form", "dimension": "meter", "change": "set", "value": "7/8", "scope": "bar:3", "confidence": 1.0}]',NULL);
INSERT INTO "directions" VALUES(2,1,1790000070.0,'less dissonance','[{"target": "harmony", "dimension": "dissonance", "change": "less", "confidence": 1.0}]',NULL);
INSERT INTO "directions" VALUES(3,1,1790000080.0,'less dissonance','[{"target": "harmony", "dimension": "dissonance", "change": "less", "confidence": 1.0}]',NULL);
INSERT INTO "directions" VALUES(4,1,1790000090.0,'less dissonance','[{"target": "harmony", "dimension": "dissonance", "change": "less", "confidence": 1.0}]',NULL);
INSERT INTO "directions" VALUES(5,1,1790000090.0,'more snare','[{"target": "snare", "dimension": "level", "change": "more", "confidence": 1.0}]',1790000090.0);
CREATE TABLE phrases (
        id INTEGER PRIMARY KEY, session_id INTEGER NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
        heard_s REAL NOT NULL, start_s REAL NOT NULL, motif TEXT NOT NULL, facts TEXT NOT NULL);
INSERT INTO "phrases" VALUES(1,1,1790000000.0,0.0,'[[0.0, 28], [0.75, 28], [1.5, 31], [2.0, 35], [2.75, 33], [3.5, 31], [4.0, 28], [4.75, 28], [5.5, 31], [6.0, 35], [6.75, 33], [7.5, 31], [8.0, 28], [8.75, 28], [9.5, 31], [10.0, 35], [10.75, 33], [11.5, 31], [12.0, 28], [12.75, 28], [13.5, 31], [14.0, 35], [14.75, 33], [15.5, 31]]','{"tempo_bpm": 100.0, "meter": "4/4", "key": "E minor", "behind_s": 0.0}');
CREATE TABLE players (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, made_s REAL NOT NULL);
INSERT INTO "players" VALUES(1,'Ann',1790000000.0);
CREATE TABLE proposals (
        id INTEGER PRIMARY KEY, session_id INTEGER NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
        made_s REAL NOT NULL, kind TEXT NOT NULL, sentence TEXT NOT NULL, edits TEXT NOT NULL);
INSERT INTO "proposals" VALUES(1,1,1790000090.0,'half-time','What if the drums go half-time?','[{"target": "drums", "dimension": "pattern", "change": "set", "value": "half-time", "confidence": 1.0}]');
CREATE TABLE sessions (
        id INTEGER PRIMARY KEY, player_id INTEGER NOT NULL REFERENCES players(id) ON DELETE CASCADE,
        folder TEXT NOT NULL DEFAULT '', started_s REAL NOT NULL, seen_s REAL NOT NULL, ended_s REAL);
INSERT INTO "sessions" VALUES(1,1,'/somewhere/20260921',1790000000.0,1790000090.0,1790000090.0);
CREATE TABLE takes (
        id INTEGER PRIMARY KEY, session_id INTEGER NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
        made_s REAL NOT NULL, number INTEGER NOT NULL, name TEXT NOT NULL DEFAULT '', plan TEXT NOT NULL);
INSERT INTO "takes" VALUES(1,1,1790000000.0,1,'','{"asked": [], "why": "the riff", "meters": ["4/4", "4/4", "4/4", "4/4", "4/4", "4/4", "4/4", "4/4"], "seed": 0}');
INSERT INTO "takes" VALUES(2,1,1790000060.0,2,'bristol','{"asked": [{"target": "form", "dimension": "meter", "change": "set", "value": "7/8", "scope": "bar:3", "confidence": 1.0}], "why": "7/8 in bar three", "meters": ["4/4", "4/4", "7/8", "4/4", "4/4", "4/4", "7/8", "4/4"], "seed": 0}');
CREATE TABLE verdicts (
        id INTEGER PRIMARY KEY, session_id INTEGER NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
        given_s REAL NOT NULL, subject TEXT NOT NULL, subject_id INTEGER, verdict TEXT NOT NULL, sentence TEXT NOT NULL);
INSERT INTO "verdicts" VALUES(1,1,1790000090.0,'proposal',1,'liked','love it');
INSERT INTO "verdicts" VALUES(2,1,1790000090.0,'take',2,'liked','keep it');
CREATE INDEX phrases_of ON phrases(session_id);
CREATE INDEX verdicts_of ON verdicts(session_id);
COMMIT;
PRAGMA user_version = 2;
