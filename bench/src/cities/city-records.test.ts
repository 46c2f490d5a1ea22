import { describe, expect, test } from 'vitest';
import { type City, CityBatches, cityKey, cityValue, loadCities, MAX_RECORDS } from './city-records.ts';

const CITIES: readonly City[] = ['Vila', 'Zürich', 'Bern'].map((name) => ({
  name,
  lat: '1',
  lng: '2',
  country: 'CH',
  admin1: '03',
  admin2: '',
}));

function all(records: number, batchRecords: number): string[] {
  const lines: string[] = [];
  for (const batch of new CityBatches(CITIES, batchRecords).first(records)) {
    expect(batch.length).toBeLessThanOrEqual(batchRecords);
    lines.push(...batch.map(({ key, value }) => `${key} ${value}`));
  }
  return lines;
}

describe('city records', () => {
  test('have keys of prefix, country, admin1, name and index, and the city as JSON for a value', () => {
    expect(cityKey(CITIES, 4)).toBe('01/CH/03/Zürich/1');
    expect(cityValue(CITIES, 4)).toBe(
      '{"name":"Zürich","lat":"1","lng":"2","country":"CH","admin1":"03","admin2":""}',
    );
  });

  test.each([1, 2, 3, 100])(
    'come in batches of at most %i, round after round, exactly as many as asked for',
    (batchRecords) => {
      const expected = Array.from(
        { length: 8 },
        (_, record) => `${cityKey(CITIES, record)} ${cityValue(CITIES, record)}`,
      );
      expect(all(8, batchRecords)).toEqual(expected);
    },
  );

  test('have distinct keys over the whole list, and prefixes enough for the most records', () => {
    const cities = loadCities();
    expect(cities.length * 100).toBeGreaterThanOrEqual(MAX_RECORDS);
    expect(cityKey(cities, MAX_RECORDS - 1)).toMatch(/^\d\d\//);
    expect(new Set(cities.map((_, index) => cityKey(cities, index))).size).toBe(cities.length);
  });
});
